#include "agent/config/problems.hpp"

#include "agent/base/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace knell {

namespace {

constexpr std::size_t kMaxShown = 20;
constexpr std::size_t kMaxShownBytes = 64;

} // namespace

std::string at(const std::string& file, int line, std::string_view what) {
    return fmt::format("{}:{}: {}", file, line, what);
}

std::string shown(std::string_view text) {
    return to_terminal(text, kMaxShownBytes) + (text.size() > kMaxShownBytes ? "..." : "");
}

std::string quoted(std::string_view text) {
    return fmt::format("\"{}\"", shown(text));
}

void Problems::add(int line, std::string_view path, std::string_view what) {
    found_.push_back({line, path.empty() ? std::string(what) : fmt::format("{}: {}", path, what)});
}

Failure Problems::to_failure() const {
    std::vector<Problem> sorted = found_;
    std::ranges::stable_sort(sorted, {}, &Problem::line);
    std::string message;
    for (std::size_t i = 0; i < std::min(sorted.size(), kMaxShown); ++i) {
        message += (i == 0 ? "" : "\n") + at(file_, sorted[i].line, sorted[i].what);
    }
    if (sorted.size() > kMaxShown) {
        message += fmt::format("\n{}: {} more problems", file_, sorted.size() - kMaxShown);
    }
    return failure(std::move(message));
}

} // namespace knell

#include "agent/config/problems.hpp"

#include <fmt/format.h>

namespace knell {

namespace {

constexpr std::size_t kMaxShown = 20;

} // namespace

std::string at(const std::string& file, int line, std::string_view what) {
    return fmt::format("{}:{}: {}", file, line, what);
}

void Problems::add(int line, std::string_view path, std::string_view what) {
    found_.emplace(line, path.empty() ? std::string(what) : fmt::format("{}: {}", path, what));
}

Failure Problems::to_failure() const {
    std::string message;
    std::size_t shown_so_far = 0;
    for (const auto& [line, what] : found_) {
        if (shown_so_far == kMaxShown) {
            message += fmt::format("\n{}: {} more problems", file_, found_.size() - kMaxShown);
            break;
        }
        message += (shown_so_far == 0 ? "" : "\n") + at(file_, line, what);
        ++shown_so_far;
    }
    return failure(std::move(message));
}

} // namespace knell

#include "agent/input/quoted.hpp"

#include "agent/base/text.hpp"

#include <fmt/format.h>

namespace knell {

std::string shown(std::string_view text) {
    constexpr std::size_t kMostBytes = 64;
    return to_terminal(text, kMostBytes) + (text.size() > kMostBytes ? "..." : "");
}

std::string quoted(std::string_view text) {
    return fmt::format("\"{}\"", shown(text));
}

} // namespace knell

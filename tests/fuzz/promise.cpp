#include "tests/fuzz/promise.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace knell::fuzz {

void require(bool kept, std::string_view promise, std::string_view instead) {
    if (!kept) {
        (void)std::fprintf(stderr, "broken promise: %.*s: %.*s\n", static_cast<int>(promise.size()), promise.data(),
                           static_cast<int>(instead.size()), instead.data());
        std::abort();
    }
}

bool is_utf8(std::string_view text) {
    try {
        (void)nlohmann::json(text).dump();
        return true;
    } catch (const nlohmann::json::type_error&) {
        return false;
    }
}

bool is_harmless(std::string_view text) {
    constexpr std::string_view kBidirectional[] = {"\u061c", "\u200e", "\u200f", "\u202a", "\u202b", "\u202c",
                                                   "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069"};
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
    // U+0080 to U+009F.
    const auto is_second_control = [](char lead, char next) {
        return lead == '\xC2' && static_cast<unsigned char>(next) < 0xA0;
    };
    return is_utf8(text) && std::ranges::none_of(text, is_control) &&
           std::ranges::adjacent_find(text, is_second_control) == text.end() &&
           std::ranges::none_of(kBidirectional, [text](std::string_view one) { return text.contains(one); });
}

std::string_view next_part(std::string_view text, std::size_t& begin, char separator) {
    const std::string_view part = text.substr(begin, text.find(separator, begin) - begin);
    begin = std::min(begin + part.size() + 1, text.size());
    return part;
}

} // namespace knell::fuzz

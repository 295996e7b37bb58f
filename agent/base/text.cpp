#include "agent/base/text.hpp"

#include "agent/base/clock.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <optional>

namespace knell {

namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD"; // U+FFFD

// The next character of a text that may not be UTF-8.
struct Character {
    std::size_t size = 1;                   // bytes it takes in the input, at least 1
    std::optional<std::uint32_t> codepoint; // empty: these bytes are not UTF-8
};

// What a lead byte announces: the length, and the range of the byte after it. The narrowed ranges exclude overlong
// forms, surrogates and what lies above U+10FFFF (Unicode standard, table 3-7).
struct Lead {
    std::size_t size;
    unsigned char second_low = 0x80;
    unsigned char second_high = 0xBF;
};

std::optional<Lead> lead_of(unsigned char byte) {
    if (byte < 0x80) {
        return Lead{.size = 1};
    }
    if (byte >= 0xC2 && byte <= 0xDF) {
        return Lead{.size = 2};
    }
    if (byte >= 0xE0 && byte <= 0xEF) {
        return Lead{.size = 3,
                    .second_low = static_cast<unsigned char>(byte == 0xE0 ? 0xA0 : 0x80),
                    .second_high = static_cast<unsigned char>(byte == 0xED ? 0x9F : 0xBF)};
    }
    if (byte >= 0xF0 && byte <= 0xF4) {
        return Lead{.size = 4,
                    .second_low = static_cast<unsigned char>(byte == 0xF0 ? 0x90 : 0x80),
                    .second_high = static_cast<unsigned char>(byte == 0xF4 ? 0x8F : 0xBF)};
    }
    return std::nullopt;
}

// `bytes` is not empty. A broken sequence ends before the first byte that cannot continue it ("maximal subpart", the
// practice that the Unicode standard recommends), so one stray byte never swallows the character after it.
Character decode(std::string_view bytes) {
    const auto first = static_cast<unsigned char>(bytes[0]);
    const std::optional<Lead> lead = lead_of(first);
    if (!lead) {
        return {};
    }
    if (lead->size == 1) {
        return {.size = 1, .codepoint = first};
    }
    std::uint32_t codepoint = first & (0x7FU >> lead->size);
    for (std::size_t i = 1; i < lead->size; ++i) {
        const unsigned char low = i == 1 ? lead->second_low : 0x80;
        const unsigned char high = i == 1 ? lead->second_high : 0xBF;
        if (i >= bytes.size()) {
            return {.size = i, .codepoint = std::nullopt};
        }
        const auto byte = static_cast<unsigned char>(bytes[i]);
        if (byte < low || byte > high) {
            return {.size = i, .codepoint = std::nullopt};
        }
        codepoint = (codepoint << 6U) | (byte & 0x3FU);
    }
    return {.size = lead->size, .codepoint = codepoint};
}

// Copies `bytes` character by character; `escape` may put another text in a character's place (empty = keep it). Whole
// characters and whole escapes only: the result ends where the next would not fit.
template <typename Escape>
std::string rewrite(std::string_view bytes, std::size_t max_bytes, Escape escape) {
    std::string out;
    out.reserve(std::min(bytes.size(), max_bytes));
    while (!bytes.empty()) {
        const Character character = decode(bytes);
        std::string escaped;
        std::string_view piece = kReplacement;
        if (character.codepoint) {
            escaped = escape(*character.codepoint);
            piece = escaped.empty() ? bytes.substr(0, character.size) : std::string_view(escaped);
        }
        if (piece.size() > max_bytes - out.size()) {
            break;
        }
        out += piece;
        bytes.remove_prefix(character.size);
    }
    return out;
}

bool is_bidirectional_control(std::uint32_t c) {
    return c == 0x061C || c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

// One element of a glob other than '*'.
struct Step {
    std::size_t size; // bytes of the pattern it takes
    bool matches;
};

// A class that is never closed is no class; the caller takes the '[' literally then.
std::optional<Step> match_class(std::string_view pattern, unsigned char byte) {
    std::size_t i = 1;
    const bool negated = i < pattern.size() && pattern[i] == '!';
    i += negated ? 1 : 0;
    const auto literal = [&]() -> std::optional<unsigned char> {
        if (i < pattern.size() && pattern[i] == '\\') {
            ++i;
        }
        return i < pattern.size() ? std::optional(static_cast<unsigned char>(pattern[i++])) : std::nullopt;
    };
    bool found = false;
    for (bool first = true; i < pattern.size(); first = false) {
        if (pattern[i] == ']' && !first) {
            return Step{.size = i + 1, .matches = found != negated};
        }
        const std::optional<unsigned char> low = literal();
        std::optional<unsigned char> high = low;
        if (i + 1 < pattern.size() && pattern[i] == '-' && pattern[i + 1] != ']') {
            ++i;
            high = literal();
        }
        if (!low || !high) {
            break;
        }
        found = found || (byte >= *low && byte <= *high);
    }
    return std::nullopt;
}

// `pattern` is not empty and does not start with '*'.
Step match_one(std::string_view pattern, char byte) {
    if (pattern[0] == '?') {
        return {.size = 1, .matches = true};
    }
    if (pattern[0] == '[') {
        if (const auto step = match_class(pattern, static_cast<unsigned char>(byte))) {
            return *step;
        }
    }
    if (pattern[0] == '\\' && pattern.size() > 1) {
        return {.size = 2, .matches = pattern[1] == byte};
    }
    return {.size = 1, .matches = pattern[0] == byte};
}

// `ns` in steps, rounded half up; no intermediate sum that could overflow.
std::uint64_t rounded(std::uint64_t ns, std::uint64_t step) {
    return ns / step + (ns % step >= (step + 1) / 2 ? 1 : 0);
}

} // namespace

std::string to_utf8(std::string_view bytes, std::size_t max_bytes) {
    return rewrite(bytes, max_bytes, [](std::uint32_t) { return std::string(); });
}

std::string to_terminal(std::string_view bytes, std::size_t max_bytes) {
    return rewrite(bytes, max_bytes, [](std::uint32_t c) {
        if (c < 0x20 || (c >= 0x7F && c <= 0x9F)) {
            return fmt::format("\\x{:02x}", c);
        }
        return is_bidirectional_control(c) ? fmt::format("\\u{:04x}", c) : std::string();
    });
}

bool glob_match(std::string_view pattern, std::string_view text) {
    // Only the last '*' is ever tried again: whatever an earlier one could take, the last one can take too. Time is
    // bounded by pattern times text, never exponential.
    std::size_t p = 0;
    std::size_t t = 0;
    std::size_t after_star = std::string_view::npos;
    std::size_t star_text = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            after_star = ++p;
            star_text = t;
            continue;
        }
        if (p < pattern.size()) {
            const Step step = match_one(pattern.substr(p), text[t]);
            if (step.matches) {
                p += step.size;
                ++t;
                continue;
            }
        }
        if (after_star == std::string_view::npos) {
            return false;
        }
        p = after_star;
        t = ++star_text;
    }
    return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

std::string format_rfc3339(std::uint64_t unix_ns) {
    const auto seconds = static_cast<std::time_t>(unix_ns / kSecond);
    std::tm utc{};
    ::gmtime_r(&seconds, &utc);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
                       utc.tm_hour, utc.tm_min, utc.tm_sec, unix_ns % kSecond);
}

std::string format_duration(std::uint64_t ns) {
    if (ns < kMicrosecond) {
        return fmt::format("{}ns", ns);
    }
    struct Unit {
        std::uint64_t size;
        std::uint64_t limit; // in units: from here on the next one is used
        std::string_view name;
    };
    static constexpr std::array<Unit, 3> kUnits = {
        {{kMicrosecond, 1000, "us"}, {kMillisecond, 1000, "ms"}, {kSecond, 60, "s"}}};
    for (const Unit& unit : kUnits) {
        // Rounding comes before the choice of digits and unit: 999.96us is "1.00ms", not "1000us".
        std::uint64_t scale = 100;
        for (int decimals = 2; decimals >= 0; --decimals, scale /= 10) {
            const std::uint64_t value = rounded(ns, unit.size / scale);
            if (value < 1000 && value < unit.limit * scale) {
                return fmt::format("{:.{}f}{}", static_cast<double>(value) / static_cast<double>(scale), decimals,
                                   unit.name);
            }
        }
    }
    if (const std::uint64_t seconds = rounded(ns, kSecond); seconds < 3600) {
        return fmt::format("{}m{:02}s", seconds / 60, seconds % 60);
    }
    if (const std::uint64_t minutes = rounded(ns, 60 * kSecond); minutes < 24ULL * 60) {
        return fmt::format("{}h{:02}m", minutes / 60, minutes % 60);
    }
    const std::uint64_t hours = rounded(ns, 3600 * kSecond);
    return fmt::format("{}d{:02}h", hours / 24, hours % 24);
}

} // namespace knell

#include "agent/base/text.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

using namespace std::string_literals;

namespace knell {
namespace {

TEST(ToUtf8, KeepsValidTextAndReplacesTheRest) {
    struct Case {
        std::string in;
        std::string out;
    };
    const Case cases[] = {
        {"", ""},
        {"nginx", "nginx"},
        {"caf\u00e9 \u20ac \U0001F480", "caf\u00e9 \u20ac \U0001F480"},
        {"\U0010FFFF", "\U0010FFFF"},
        {"a\0b"s, "a\0b"s},
        {"\xff", "\uFFFD"},
        {"\x80\x80", "\uFFFD\uFFFD"},                     // continuation bytes alone
        {"\xc3(", "\uFFFD("},                             // the byte after a broken sequence survives
        {"\xc0\xaf", "\uFFFD\uFFFD"},                     // overlong '/'
        {"\xe0\x80\xaf", "\uFFFD\uFFFD\uFFFD"},           // overlong, three bytes
        {"\xed\xa0\x80", "\uFFFD\uFFFD\uFFFD"},           // surrogate
        {"\xf4\x90\x80\x80", "\uFFFD\uFFFD\uFFFD\uFFFD"}, // above U+10FFFF
        {"\xf5", "\uFFFD"},
        {"ab\xe2\x82", "ab\uFFFD"}, // cut in the middle of a character: one replacement
        {"\xf0\x9f\x92x", "\uFFFDx"},
    };
    for (const Case& c : cases) {
        EXPECT_EQ(to_utf8(c.in), c.out) << testing::PrintToString(c.in);
    }
}

TEST(ToUtf8, NeverCutsACharacter) {
    EXPECT_EQ(to_utf8("abcdef", 3), "abc");
    EXPECT_EQ(to_utf8("ab\u20accd", 4), "ab");
    EXPECT_EQ(to_utf8("ab\u20accd", 5), "ab\u20ac");
    EXPECT_EQ(to_utf8("ab\xff", 4), "ab"); // the replacement is longer than what it replaces
    EXPECT_EQ(to_utf8("abc", 0), "");
}

TEST(ToUtf8, IsIdempotentForEveryPairOfBytes) {
    for (int first = 0; first < 256; ++first) {
        for (int second = 0; second < 256; ++second) {
            const std::string bytes{static_cast<char>(first), static_cast<char>(second)};
            const std::string once = to_utf8(bytes);
            ASSERT_EQ(to_utf8(once), once) << first << ' ' << second;
        }
    }
}

TEST(ToTerminal, ControlCharactersBecomeVisible) {
    struct Case {
        std::string in;
        std::string out;
    };
    const Case cases[] = {
        {"plain \u00e9", "plain \u00e9"},
        {"\x1b[31m", "\\x1b[31m"},
        {"a\nb\tc\rd\0e"s, "a\\x0ab\\x09c\\x0dd\\x00e"},
        {"\x7f", "\\x7f"},
        {"\u009b31m", "\\x9b31m"}, // CSI of the C1 set
        {"\u202eexe.txt", "\\u202eexe.txt"},
        {"\u2066x\u2069", "\\u2066x\\u2069"},
        {"\u200e\u200f\u061c", "\\u200e\\u200f\\u061c"},
        {"\xff", "\uFFFD"},
    };
    for (const Case& c : cases) {
        EXPECT_EQ(to_terminal(c.in), c.out);
    }
}

TEST(ToTerminal, NeverCutsAnEscape) {
    EXPECT_EQ(to_terminal("ab\x1b", 5), "ab");
    EXPECT_EQ(to_terminal("ab\x1b", 6), "ab\\x1b");
}

TEST(GlobMatch, Table) {
    struct Case {
        std::string_view pattern;
        std::string_view text;
        bool match;
    };
    const Case cases[] = {
        {"", "", true},           {"", "a", false},
        {"*", "", true},          {"*", "/any/thing", true},
        {"**", "x", true},        {"abc", "abc", true},
        {"abc", "abcd", false},   {"abcd", "abc", false},
        {"a*c", "ac", true},      {"a*c", "a/b/c", true},
        {"a*c", "a/b/cd", false}, {"*.service", "/system.slice/nginx.service", true},
        {"*b*b*", "abab", true},  {"*aab", "aaaab", true},
        {"?", "", false},         {"?", "x", true},
        {"a?c", "abc", true},     {"[abc]", "b", true},
        {"[abc]", "d", false},    {"[a-f0-9]", "7", true},
        {"[a-f0-9]", "g", false}, {"[!a-f]", "g", true},
        {"[!a-f]", "a", false},   {"[]]", "]", true},
        {"[!]]", "]", false},     {"[a-]", "-", true},
        {"[\\]]", "]", true},     {"[\\!a]", "!", true},
        {"[z-a]", "m", false},    {"[abc", "[abc", true}, // never closed: literal
        {"[", "[", true},         {"[a-", "[a-", true},
        {"\\*", "*", true},       {"\\*", "x", false},
        {"a\\", "a\\", true},                                    // nothing left to quote
        {"x[!x]*", "xyz", true},  {"[\x80-\xff]", "\xc3", true}, // bytes compare as unsigned
    };
    for (const Case& c : cases) {
        EXPECT_EQ(glob_match(c.pattern, c.text), c.match) << c.pattern << " against " << c.text;
    }
}

// With naive backtracking this takes longer than the universe is old.
TEST(GlobMatch, ManyStarsDoNotExplode) {
    std::string pattern;
    for (int i = 0; i < 100; ++i) {
        pattern += "a*";
    }
    EXPECT_FALSE(glob_match(pattern + "b", std::string(10'000, 'a')));
}

TEST(FormatRfc3339, Table) {
    EXPECT_EQ(format_rfc3339(0), "1970-01-01T00:00:00.000000000Z");
    EXPECT_EQ(format_rfc3339(1'769'860'800'123'456'789), "2026-01-31T12:00:00.123456789Z");
    EXPECT_EQ(format_rfc3339(1'709'164'800'000'000'001), "2024-02-29T00:00:00.000000001Z");
    EXPECT_EQ(format_rfc3339(std::numeric_limits<std::uint64_t>::max()), "2554-07-21T23:34:33.709551615Z");
}

TEST(FormatDuration, Table) {
    constexpr std::uint64_t kSecond = 1'000'000'000;
    struct Case {
        std::uint64_t ns;
        std::string_view text;
    };
    const Case cases[] = {
        {0, "0ns"},
        {340, "340ns"},
        {999, "999ns"},
        {1'000, "1.00us"},
        {9'994, "9.99us"},
        {9'995, "10.0us"},
        {17'240, "17.2us"},
        {99'949, "99.9us"},
        {99'950, "100us"},
        {999'499, "999us"},
        {999'500, "1.00ms"},
        {1'500'000, "1.50ms"},
        {12'300'000'000, "12.3s"},
        {59'949'999'999, "59.9s"},
        {59'950'000'000, "1m00s"},
        {247 * kSecond, "4m07s"},
        {3599 * kSecond, "59m59s"},
        {3599 * kSecond + 500'000'000, "1h00m"},
        {3 * 3600 * kSecond + 12 * 60 * kSecond, "3h12m"},
        {24 * 3600 * kSecond - 1, "1d00h"},
        {9 * 86400 * kSecond + 4 * 3600 * kSecond, "9d04h"},
        {std::numeric_limits<std::uint64_t>::max(), "213504d00h"},
    };
    for (const Case& c : cases) {
        EXPECT_EQ(format_duration(c.ns), c.text) << c.ns;
    }
}

} // namespace
} // namespace knell

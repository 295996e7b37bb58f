// docs/causes.md explains every reason, killer class and OOM scope, and computes its exit codes right. That its rows
// are what `knell trace` prints is checked by tests/e2e/test_causes.py.

#include "agent/base/file.hpp"
#include "agent/cause/reason.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <span>
#include <string>
#include <string_view>

namespace knell {
namespace {

const std::string& page() {
    static const std::string text =
        read_small_file(AT_FDCWD, KNELL_SOURCE_DIR "/docs/causes.md", 1U << 20).value_or("the page cannot be read");
    return text;
}

// From this heading to the next one of the same level.
std::string section(const std::string& heading) {
    const std::size_t begin = page().find("\n## " + heading + "\n");
    EXPECT_NE(begin, std::string::npos) << heading;
    return page().substr(begin, page().find("\n## ", begin + 1) - begin);
}

// The first group of each match.
std::multiset<std::string> found(const std::string& text, const std::string& pattern) {
    const std::regex expression(pattern);
    std::multiset<std::string> names;
    for (auto match = std::sregex_iterator(text.begin(), text.end(), expression); match != std::sregex_iterator();
         ++match) {
        names.insert((*match)[1]);
    }
    return names;
}

std::multiset<std::string> set_of(std::span<const std::string_view> names) {
    return {names.begin(), names.end()};
}

TEST(CausesPage, HasAHeadingForEachReason) {
    EXPECT_EQ(found(section("Reasons"), "\\n### `([a-z_]+)`\\n"), set_of(kReasonNames));
}

TEST(CausesPage, HasALineForEachOomScope) {
    const std::string text = section("Reasons");
    const std::size_t begin = text.find("\n| scope |");
    ASSERT_NE(begin, std::string::npos);
    EXPECT_EQ(found(text.substr(begin, text.find("\n\n", begin) - begin), "\\n\\| `([a-z_]+)` \\|"),
              set_of(kOomScopeNames));
}

TEST(CausesPage, HasALineForEachKillerClass) {
    EXPECT_EQ(found(section("Who sent it"), "\\n\\| `([a-z_]+)` \\|"), set_of(kKillerClassNames));
}

TEST(CausesPage, NamesTheSignalOfEachExitCode) {
    const std::string text = section("From what you see");
    const std::regex line("\\n\\| (1[2-9][0-9]) \\| (SIG[A-Z]+) \\|");
    std::size_t lines = 0;
    for (auto match = std::sregex_iterator(text.begin(), text.end(), line); match != std::sregex_iterator(); ++match) {
        EXPECT_EQ((*match)[2].str(), signal_name(std::stoi((*match)[1]) - 128)) << (*match)[1];
        ++lines;
    }
    EXPECT_GE(lines, 15U);
}

// What one comes to this page with.
TEST(CausesPage, AnswersTheUsualQuestions) {
    const std::string text = section("From what you see");
    for (const std::string code : {"137", "139", "143"}) {
        EXPECT_NE(text.find("\n| " + code), std::string::npos) << code;
    }
}

} // namespace
} // namespace knell

// docs/metrics.md lists exactly the families that the code exports.

#include "agent/base/file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <string>

namespace knell {
namespace {

std::set<std::string> names_in(const std::string& path, const std::regex& pattern) {
    const auto text = read_small_file(AT_FDCWD, path.c_str(), 1U << 20);
    EXPECT_TRUE(text.has_value()) << path;
    std::set<std::string> names;
    const std::string content = text.value_or("");
    for (auto match = std::sregex_iterator(content.begin(), content.end(), pattern); match != std::sregex_iterator();
         ++match) {
        names.insert((*match)[1]);
    }
    return names;
}

TEST(Docs, MetricsPageListsEveryFamily) {
    const std::string root = KNELL_SOURCE_DIR;
    const auto exported =
        names_in(root + "/exporters/prometheus/families.hpp", std::regex("\"((?:knell|process)_[a-z_]+)\""));
    const auto documented = names_in(root + "/docs/metrics.md", std::regex("\\n\\| ((?:knell|process)_[a-z_]+) \\|"));
    EXPECT_GT(exported.size(), 30U);
    EXPECT_EQ(exported, documented);
}

} // namespace
} // namespace knell

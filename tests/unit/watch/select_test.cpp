#include "agent/watch/select.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace knell {
namespace {

struct Row {
    std::vector<std::string> patterns;
    std::vector<std::string> selected;
    std::vector<std::string> refused;
    bool everything = false;
};

TEST(PatternList, IncludesAndExcludes) {
    const std::vector<Row> rows = {
        {{}, {"nginx", ""}, {}, true},
        {{"*"}, {"nginx", "", "a/b"}, {}, true},
        {{"nginx"}, {"nginx"}, {"", "nginx2", "NGINX"}},
        {{"nginx*", "php-?"}, {"nginx", "nginx-worker", "php-8"}, {"php-", "php-82", "apache"}},
        {{"!sh"}, {"nginx", ""}, {"sh"}},
        {{"*", "!sh", "!ba?h"}, {"nginx", "zsh"}, {"sh", "bash"}},
        {{"!*"}, {}, {"nginx", ""}},
        {{"sh", "!sh"}, {}, {"sh", "bash"}},
        {{"!sh", "sh"}, {}, {"sh", "bash"}}, // the order says nothing
        {{"*", "nginx"}, {"nginx", "sh"}, {}},
        {{"/kubepods*", "!*/init.scope"}, {"/kubepods.slice/a/b"}, {"/system.slice", "/kubepods.slice/init.scope"}},
        {{""}, {""}, {"sh"}},
        {{"!"}, {"sh"}, {""}},
        {{"[!a]*"}, {"bash"}, {"ash", ""}}, // "!" is special in front only
        {{"\\!sh"}, {"!sh"}, {"sh"}},
    };
    for (const Row& row : rows) {
        const PatternList list(row.patterns);
        const std::string patterns = testing::PrintToString(row.patterns);
        EXPECT_EQ(list.everything(), row.everything) << patterns;
        for (const std::string& text : row.selected) {
            EXPECT_TRUE(list.selects(text)) << patterns << " and '" << text << "'";
        }
        for (const std::string& text : row.refused) {
            EXPECT_FALSE(list.selects(text)) << patterns << " and '" << text << "'";
        }
    }
}

} // namespace
} // namespace knell

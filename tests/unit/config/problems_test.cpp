#include "agent/config/problems.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace knell {
namespace {

TEST(Problems, OfVeryManyOnlyTheFirstAreShown) {
    Problems problems("f.yaml");
    EXPECT_TRUE(problems.empty());
    for (int line = 100; line > 0; --line) {
        problems.add(line, "key", "is wrong");
    }
    EXPECT_FALSE(problems.empty());
    const std::string message = problems.to_failure().error().message;
    EXPECT_THAT(message, testing::StartsWith("f.yaml:1: key: is wrong\nf.yaml:2: key: is wrong\n"));
    EXPECT_THAT(message, testing::EndsWith("f.yaml:20: key: is wrong\nf.yaml: 80 more problems"));
    EXPECT_EQ(std::ranges::count(message, '\n'), 20);
}

} // namespace
} // namespace knell

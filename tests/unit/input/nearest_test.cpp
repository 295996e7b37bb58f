#include "agent/input/nearest.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace knell {
namespace {

constexpr std::array<std::string_view, 4> kKeys = {"capacity", "min_age", "select", "pin"};

TEST(Nearest, FindsMisspellings) {
    EXPECT_EQ(nearest("capasity", kKeys), "capacity");
    EXPECT_EQ(nearest("minage", kKeys), "min_age");
    EXPECT_EQ(nearest("slect", kKeys), "select");
    EXPECT_EQ(nearest("pins", kKeys), "pin");
}

TEST(Nearest, PrefersTheCloser) {
    constexpr std::array<std::string_view, 2> kSimilar = {"formats", "format"};
    EXPECT_EQ(nearest("formt", kSimilar), "format");
}

TEST(Nearest, DoesNotGuessWildly) {
    EXPECT_EQ(nearest("threads", kKeys), "");
    EXPECT_EQ(nearest("", kKeys), "");
    EXPECT_EQ(nearest("pen_s", kKeys), "");
    EXPECT_EQ(nearest(std::string(1'000'000, 'x'), kKeys), "");
    EXPECT_EQ(nearest("pin", {}), "");
}

} // namespace
} // namespace knell

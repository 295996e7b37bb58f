#include "agent/input/quoted.hpp"

#include <gtest/gtest.h>

#include <string>

namespace knell {
namespace {

TEST(Quoted, ShownTextIsCutBetweenCharacters) {
    EXPECT_EQ(quoted("plain"), "\"plain\"");
    EXPECT_EQ(shown(std::string(63, 'a') + "\u00e4\u00e4"), std::string(63, 'a') + "...");
}

} // namespace
} // namespace knell

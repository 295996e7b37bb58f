#include "agent/ledger/zombie_list.hpp"

#include <gtest/gtest.h>

#include <array>
#include <memory>

namespace knell {
namespace {

TEST(ZombieList, KnowsCountAndOldest) {
    ZombieList list;
    EXPECT_EQ(list.count(), 0U);
    EXPECT_EQ(list.oldest(), 0U);
    std::array<ZombieNode, 3> nodes;
    list.add(nodes[0], 100);
    list.add(nodes[1], 200);
    list.add(nodes[2], 300);
    EXPECT_EQ(list.count(), 3U);
    EXPECT_EQ(list.oldest(), 100U);

    ZombieList::remove(nodes[1]);
    EXPECT_EQ(list.oldest(), 100U);
    ZombieList::remove(nodes[0]);
    EXPECT_EQ(list.oldest(), 300U);
    ZombieList::remove(nodes[2]);
    EXPECT_EQ(list.count(), 0U);
    EXPECT_EQ(list.oldest(), 0U);
}

TEST(ZombieList, KeepsTheOrderOfDeathWhateverTheOrderOfArrival) {
    ZombieList list;
    std::array<ZombieNode, 4> nodes;
    list.add(nodes[0], 300);
    list.add(nodes[1], 100);
    list.add(nodes[2], 200);
    list.add(nodes[3], 50);
    for (const auto& [node, next_oldest] : {std::pair{3, 100U}, {1, 200U}, {2, 300U}, {0, 0U}}) {
        ZombieList::remove(nodes[static_cast<std::size_t>(node)]);
        EXPECT_EQ(list.oldest(), next_oldest);
    }
}

TEST(ZombieList, RemovingTwiceIsHarmless) {
    ZombieList list;
    ZombieNode node;
    list.add(node, 1);
    EXPECT_TRUE(node.listed());
    ZombieList::remove(node);
    ZombieList::remove(node);
    EXPECT_FALSE(node.listed());
    EXPECT_EQ(list.count(), 0U);
}

TEST(ZombieList, ANodeIsInOneListOnly) {
    ZombieList first;
    ZombieList second;
    ZombieNode node;
    first.add(node, 1);
    second.add(node, 2);
    EXPECT_EQ(first.count(), 0U);
    EXPECT_EQ(second.oldest(), 2U);
}

TEST(ZombieList, ANodeThatIsDestroyedLeaves) {
    ZombieList list;
    ZombieNode stays;
    list.add(stays, 2);
    {
        ZombieNode goes;
        list.add(goes, 1);
        EXPECT_EQ(list.oldest(), 1U);
    }
    EXPECT_EQ(list.count(), 1U);
    EXPECT_EQ(list.oldest(), 2U);
}

TEST(ZombieList, ANodeMayOutliveItsList) {
    ZombieNode node;
    auto list = std::make_unique<ZombieList>();
    list->add(node, 1);
    list.reset();
    EXPECT_FALSE(node.listed());
}

} // namespace
} // namespace knell

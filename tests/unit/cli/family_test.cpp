#include "agent/cli/family.hpp"
#include "tests/unit/cli/births.hpp"

#include <gtest/gtest.h>

namespace knell::test {
namespace {

constexpr Named kUs = {10, 1};
constexpr Named kFounder = {20, 5};
constexpr Named kChild = {30, 6};
constexpr Named kStranger = {40, 2};

class FamilyTest : public testing::Test {
  protected:
    Family family{10, 20};
};

TEST_F(FamilyTest, BeginsWithItsFounder) {
    EXPECT_FALSE(family.born(birth_of({21, 4}, kUs))) << "another child of the creator's";
    EXPECT_TRUE(family.born(birth_of(kFounder, kUs)));
    EXPECT_TRUE(family.has(20, 5));
    EXPECT_TRUE(family.is_founder(20, 5));
    EXPECT_FALSE(family.is_founder(20, 6));
    EXPECT_EQ(family.born_count(), 1U);
}

TEST_F(FamilyTest, TakesInWhateverAMemberMakes) {
    (void)family.born(birth_of(kFounder, kUs));
    EXPECT_TRUE(family.born(birth_of(kChild, kFounder)));
    EXPECT_TRUE(family.born(birth_of({31, 7}, kChild)));
    EXPECT_FALSE(family.born(birth_of({41, 8}, kStranger)));
    EXPECT_EQ(family.alive(), 3U);
}

TEST_F(FamilyTest, OutlivesItsFounder) {
    (void)family.born(birth_of(kFounder, kUs));
    (void)family.born(birth_of(kChild, kFounder));
    family.died(20, 5);
    EXPECT_FALSE(family.has(20, 5));
    EXPECT_TRUE(family.born(birth_of({31, 9}, kChild)));
    EXPECT_EQ(family.alive(), 2U);
    EXPECT_EQ(family.born_count(), 3U);
}

TEST_F(FamilyTest, ANumberThatIsUsedAgainIsAStranger) {
    (void)family.born(birth_of(kFounder, kUs));
    family.died(20, 5);
    const Named successor = {20, 50};
    EXPECT_FALSE(family.born(birth_of(successor, kUs))) << "founded once";
    EXPECT_FALSE(family.has(20, 50));
    EXPECT_FALSE(family.born(birth_of({60, 51}, successor)));
    family.died(20, 50);
    EXPECT_EQ(family.alive(), 0U);
}

} // namespace
} // namespace knell::test

#include "agent/observer/pidfd_holders.hpp"

#include "agent/pidfd/pidfd.hpp"
#include "tests/support/children.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <vector>

namespace knell::test {
namespace {

class CountByHolder : public testing::Test {
  protected:
    std::uint64_t counted(const std::vector<knell_held_pidfd>& held, HolderClass kind) {
        return count_by_holder(held, places)[static_cast<std::size_t>(kind)];
    }

    Ledger ledger{LedgerLimits{}};
    Places places{PlaceResolver(Hierarchies{}, AttributionMode::automatic, NamePaths{}), ledger}; // knows none
};

knell_held_pidfd held_by(std::uint32_t pid, std::uint64_t inode = 0) {
    knell_held_pidfd row{};
    row.holder.pid = pid;
    row.holder.pid_inode = inode;
    return row;
}

knell_held_pidfd held_by_us() {
    return held_by(static_cast<std::uint32_t>(::getpid()), value_of(value_of(Pidfd::self()).inode()));
}

TEST_F(CountByHolder, NobodyHoldsAny) {
    EXPECT_EQ(count_by_holder({}, places), HolderCounts{});
}

TEST_F(CountByHolder, EveryRowCountsForItsHolder) {
    const std::vector<knell_held_pidfd> held = {held_by(1),          held_by(1),   held_by(1),
                                                held_by(40'000'000), held_by_us(), held_by_us()};
    EXPECT_EQ(counted(held, HolderClass::init), 3U);
    EXPECT_EQ(counted(held, HolderClass::unknown), 1U) << "nobody knows where it lived";
    EXPECT_EQ(counted(held, HolderClass::self), 2U);
    EXPECT_EQ(counted(held, HolderClass::host), 0U);
}

TEST_F(CountByHolder, AnotherProcessWithOurNumberIsNotUs) {
    const knell_held_pidfd us = held_by_us();
    if (us.holder.pid_inode == 0) {
        GTEST_SKIP() << "processes have no inode before Linux 6.9";
    }
    EXPECT_EQ(counted({held_by(us.holder.pid, us.holder.pid_inode + 1)}, HolderClass::self), 0U);
}

} // namespace
} // namespace knell::test

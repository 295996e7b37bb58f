// Before Linux 6.9 a pidfd has no inode of its own and never reports the reap.
#include "agent/pidfd/features.hpp"
#include "tests/unit/watch/pool_fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <csignal>

namespace knell::test {
namespace {

using testing::ElementsAre;

class PoolWithoutPidfsTest : public PoolTest {
  protected:
    static constexpr Nanoseconds kHold = 20 * kMillisecond;

    void SetUp() override {
        forgo(PidfdFeatures().set(static_cast<std::size_t>(PidfdFeature::pidfs)));
        PoolTest::SetUp();
    }
    void TearDown() override {
        PoolTest::TearDown();
        forgo({});
    }
    Instant kill_and_await(const Process& child) {
        EXPECT_TRUE(child.kill(SIGKILL));
        run_until_told("ended");
        return listener.times.at(0);
    }
};
INSTANTIATE_TEST_SUITE_P(Pool, PoolWithoutPidfsTest, every_variant(), variant_name);

// The kernel writes the slot's last stamp after it has woken us.
TEST_P(PoolWithoutPidfsTest, AWatchIsKeptUntilItsSlotWasRead) {
    const Process child = start_sleeper();
    const knell_process process = describe(child.pid());
    ASSERT_NE(watch(process), nullptr);
    const Instant noticed = kill_and_await(child);
    EXPECT_EQ(pool->next_due(), noticed + kHold);
    pool->release_due(noticed + kHold - 1);
    EXPECT_THAT(listener.calls, ElementsAre("watched", "ended"));
    slots.write(0, 5000, 6000);
    EXPECT_EQ(listener.last->end().notify, 6000U);

    pool->release_due(noticed + kHold);
    EXPECT_THAT(listener.calls, ElementsAre("watched", "ended", "released"));
    EXPECT_THAT(states(), ElementsAre(0, 0, 0));
    EXPECT_EQ(pool->next_due(), std::nullopt);
    EXPECT_EQ(pool->exited(process), nullptr);
    EXPECT_EQ(slots.untagged, 0U) << "a tag goes with its process";
}

TEST_P(PoolWithoutPidfsTest, ACandidateThatIsDueEarlierComesFirst) {
    const Process dead = start_sleeper();
    ASSERT_NE(watch(dead), nullptr);
    const Instant noticed = kill_and_await(dead);
    const Process young = start_sleeper();
    pool->forked(describe(young.pid()), kBirth);
    EXPECT_EQ(pool->next_due(), kDue);
    pool->open_due(kDue, kAll);
    EXPECT_EQ(pool->next_due(), noticed + kHold);
}

TEST_P(PoolWithoutPidfsTest, AWatchThatServesAnotherIsNotReleased) {
    Process old = start_sleeper();
    ASSERT_NE(watch(old), nullptr);
    const Instant noticed = kill_and_await(old);
    (void)value_of(old.wait());
    listener.select = [](const knell_process&) { return false; };
    ASSERT_TRUE(pool->scan_proc()) << "gives up whose process was collected";
    ASSERT_TRUE(listener.was("released"));
    listener.select = [](const knell_process&) { return true; };
    const Process young = start_sleeper();
    ASSERT_NE(watch(young), nullptr);
    ASSERT_THAT(slots.tagged, ElementsAre(0, 0)) << "the free watch is used again";
    pool->release_due(noticed + kHold);
    EXPECT_THAT(states(), ElementsAre(0, 1, 0));
    EXPECT_EQ(pool->next_due(), std::nullopt);
}

// Found by the scan of a new agent; its birth is still in the ring that the old one left.
TEST_P(PoolWithoutPidfsTest, TheStartTellsThatABirthIsKnown) {
    const Process child = start_sleeper();
    knell_process process = describe(child.pid());
    ASSERT_EQ(process.pid_inode, 0U);
    ASSERT_NE(watch(process), nullptr);
    pool->forked(process, kBirth);
    EXPECT_THAT(states(), ElementsAre(0, 1, 0)) << "no candidate beside the watch";
    EXPECT_EQ(pool->exited(process), listener.last);

    process.start_boot_ns += kSecond;
    EXPECT_EQ(pool->exited(process), nullptr) << "a younger one with the same number";
    pool->forked(process, kBirth);
    EXPECT_THAT(states(), ElementsAre(1, 1, 0));
}

} // namespace
} // namespace knell::test

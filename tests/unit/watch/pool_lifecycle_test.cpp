#include "agent/pidfd/features.hpp"
#include "tests/unit/watch/pool_fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <csignal>
#include <optional>

namespace knell::test {
namespace {

using testing::ElementsAre;

class PoolLifecycleTest : public PoolTest {};
INSTANTIATE_TEST_SUITE_P(Pool, PoolLifecycleTest, every_variant(), variant_name);

// Tells when it is destroyed.
class CountedNote final : public WatchNote {
  public:
    explicit CountedNote(int& destroyed) : destroyed_(destroyed) {}
    CountedNote(const CountedNote&) = delete;
    CountedNote& operator=(const CountedNote&) = delete;
    ~CountedNote() override { ++destroyed_; }

  private:
    int& destroyed_;
};

TEST_P(PoolLifecycleTest, FromBirthToReap) {
    Process child = start_sleeper();
    const knell_process process = describe(child.pid());
    EXPECT_EQ(pool->next_due(), std::nullopt);
    pool->forked(process, kBirth);
    EXPECT_THAT(states(), ElementsAre(1, 0, 0));
    EXPECT_EQ(pool->next_due(), kDue);

    pool->open_due(kDue - 1, kAll);
    EXPECT_THAT(states(), ElementsAre(1, 0, 0));
    pool->open_due(kDue, kAll);
    EXPECT_THAT(states(), ElementsAre(0, 1, 0));
    EXPECT_THAT(listener.calls, ElementsAre("watched"));
    EXPECT_EQ(listener.last->pid(), process.pid);
    EXPECT_EQ(listener.last->pid_inode(), process.pid_inode);
    EXPECT_FALSE(listener.last->ended());
    EXPECT_EQ(pool->next_due(), std::nullopt);
    EXPECT_EQ(pool->exited(process), listener.last);

    ASSERT_TRUE(child.kill(SIGKILL));
    run_until_told("ended");
    EXPECT_THAT(listener.calls, testing::Contains("ended"));
    if (!available(PidfdFeature::pidfs)) {
        GTEST_SKIP() << "a pidfd does not report the reap before Linux 6.9";
    }
    EXPECT_THAT(states(), ElementsAre(0, 0, 1));
    EXPECT_EQ(pool->exited(process), listener.last) << "until it is released";
    run_turns(*loop, 3);
    EXPECT_THAT(listener.calls, ElementsAre("watched", "ended"));

    (void)value_of(child.wait());
    run_until_told("released");
    EXPECT_THAT(listener.calls, ElementsAre("watched", "ended", "reaped", "released"));
    EXPECT_THAT(states(), ElementsAre(0, 0, 0));
    EXPECT_EQ(pool->exited(process), nullptr);
    EXPECT_EQ(refusals(), "");
    EXPECT_EQ(slots.untagged, 0U) << "a tag goes with its process";
}

TEST_P(PoolLifecycleTest, EndHasTheSlotsTimes) {
    Process child = start_sleeper();
    ASSERT_NE(watch(child), nullptr);
    ASSERT_THAT(slots.tagged, ElementsAre(0));
    EXPECT_EQ(listener.last->end().exit, 0U);
    slots.write(0, 5000, 6000);
    ASSERT_TRUE(child.kill(SIGKILL));
    run_until_told("ended");
    ASSERT_EQ(listener.ends.size(), 1U);
    EXPECT_EQ(listener.ends[0].exit, 5000U);
    EXPECT_EQ(listener.ends[0].notify, 6000U);
    EXPECT_EQ(listener.ends[0].noticed, listener.times[0]);
    EXPECT_LE(listener.ends[0].noticed, monotonic_now());
}

TEST_P(PoolLifecycleTest, EndOfAnUntaggedProcessIsWhatThePidfdSaid) {
    Pool bare(*loop, nullptr, PoolOptions{.capacity = 1, .min_age = 0}, listener);
    Process child = start_sleeper();
    bare.forked(describe(child.pid()), kBirth);
    bare.open_due(kBirth, kAll);
    ASSERT_TRUE(child.kill(SIGKILL));
    run_until_told("ended");
    ASSERT_EQ(listener.ends.size(), 1U);
    EXPECT_EQ(listener.ends[0].exit, 0U);
    EXPECT_EQ(listener.ends[0].notify, 0U);
    EXPECT_NE(listener.ends[0].noticed, 0U);
}

TEST_P(PoolLifecycleTest, ASlotIsClearedBeforeItIsTaggedAgain) {
    if (!available(PidfdFeature::pidfs)) {
        GTEST_SKIP() << "a pidfd does not report the reap before Linux 6.9";
    }
    Process first = start_sleeper();
    ASSERT_NE(watch(first), nullptr);
    slots.write(0, 5000, 6000);
    ASSERT_TRUE(first.kill(SIGKILL));
    (void)value_of(first.wait());
    run_until_told("released");

    std::uint64_t at_tag = 1;
    slots.on_tag = [&](std::uint32_t slot) { at_tag = slots.memory[slot].exit_ns; };
    const Process second = start_sleeper();
    ASSERT_NE(watch(second), nullptr);
    EXPECT_THAT(slots.tagged, ElementsAre(0, 0)) << "the free slot is used again";
    EXPECT_EQ(at_tag, 0U);
    EXPECT_EQ(listener.last->end().exit, 0U);
    EXPECT_EQ(listener.last->end().notify, 0U);
}

// Dead and reaped between the check of its identity and the wait: both facts come with one answer.
TEST_P(PoolLifecycleTest, ReapedAtOnceIsEndedAndReapedInOneGo) {
    if (!available(PidfdFeature::pidfs)) {
        GTEST_SKIP() << "a pidfd does not report the reap before Linux 6.9";
    }
    Process child = start_sleeper();
    slots.on_tag = [&](std::uint32_t) {
        ASSERT_TRUE(child.kill(SIGKILL));
        (void)value_of(child.wait());
    };
    ASSERT_NE(watch(child), nullptr);
    run_until_told("released");
    EXPECT_THAT(listener.calls, ElementsAre("watched", "ended", "reaped", "released"));
    EXPECT_EQ(listener.times[0], listener.times[1]);
    EXPECT_THAT(states(), ElementsAre(0, 0, 0));
}

// Its parent ignores SIGCHLD: nobody waits for it, and the kernel reaps it itself.
TEST_P(PoolLifecycleTest, AutoreapedChild) {
    if (!available(PidfdFeature::pidfs)) {
        GTEST_SKIP() << "a pidfd does not report the reap before Linux 6.9";
    }
    const auto before = std::signal(SIGCHLD, SIG_IGN);
    const pid_t child = ::fork();
    if (child == 0) {
        for (;;) {
            ::pause();
        }
    }
    ASSERT_GT(child, 0);
    Watch* watched = watch(describe(child));
    ASSERT_NE(watched, nullptr);
    const Pidfd pidfd = value_of(Pidfd::open(child));
    ASSERT_TRUE(pidfd.send_signal(SIGKILL));
    await_reap(pidfd);
    std::signal(SIGCHLD, before);
    run_until_told("released");
    EXPECT_THAT(listener.calls, ElementsAre("watched", "ended", "reaped", "released"));
    EXPECT_THAT(states(), ElementsAre(0, 0, 0));
}

TEST_P(PoolLifecycleTest, DescriptorsAndNotesAreGivenBack) {
    if (!available(PidfdFeature::pidfs)) {
        GTEST_SKIP() << "a pidfd does not report the reap before Linux 6.9";
    }
    Process child = start_sleeper();
    const knell_process process = describe(child.pid());
    const std::size_t descriptors = open_descriptors();
    int destroyed = 0;
    Watch* watched = watch(process);
    ASSERT_NE(watched, nullptr);
    watched->set_note(std::make_unique<CountedNote>(destroyed));
    EXPECT_EQ(open_descriptors(), descriptors + 1);
    ASSERT_TRUE(child.kill(SIGKILL));
    (void)value_of(child.wait());
    run_until_told("released");
    EXPECT_EQ(open_descriptors(), descriptors);
    EXPECT_EQ(destroyed, 1);
}

// The number of a zombie's predecessor cannot be free, but its release may still be on its way to us.
TEST_P(PoolLifecycleTest, ANumberThatIsUsedAgain) {
    if (!available(PidfdFeature::pidfs)) {
        GTEST_SKIP() << "no identity of pidfds before Linux 6.9";
    }
    Process old = start_sleeper();
    const knell_process old_process = describe(old.pid());
    Watch* old_watch = watch(old_process);
    ASSERT_NE(old_watch, nullptr);
    ASSERT_TRUE(old.kill(SIGKILL));
    run_until_told("ended");

    knell_process young = old_process;
    young.pid_inode += 1'000'000;
    EXPECT_EQ(pool->exited(young), nullptr) << "its birth record was lost: the watch is of another";
    pool->forked(young, kBirth);
    EXPECT_THAT(states(), ElementsAre(1, 0, 1));
    (void)value_of(old.wait());
    run_until_told("released");
    EXPECT_THAT(listener.calls, ElementsAre("watched", "ended", "reaped", "released"));
    EXPECT_THAT(states(), ElementsAre(1, 0, 0)) << "the young one waits on";
    EXPECT_EQ(pool->exited(young), nullptr);
    EXPECT_THAT(states(), ElementsAre(0, 0, 0)) << "and was still known by its number";
}

TEST_P(PoolLifecycleTest, ReleaseAllTellsEach) {
    Process dead = start_sleeper();
    const Process living = start_sleeper();
    const std::size_t descriptors = open_descriptors();
    ASSERT_NE(watch(dead), nullptr);
    ASSERT_TRUE(dead.kill(SIGKILL));
    run_until_told("ended");
    ASSERT_NE(watch(living), nullptr);
    EXPECT_THAT(states(), ElementsAre(0, 1, 1));
    pool->release_all();
    EXPECT_EQ(listener.count("released"), 2U);
    EXPECT_FALSE(listener.was("reaped"));
    EXPECT_THAT(states(), ElementsAre(0, 0, 0));
    EXPECT_EQ(slots.untagged, 1U) << "the living one is no longer of interest to the kernel side";
    EXPECT_EQ(open_descriptors(), descriptors);
    pool->release_all();
    EXPECT_EQ(listener.count("released"), 2U);
}

TEST_P(PoolLifecycleTest, ManyDieAtOnce) {
    Pool wide(*loop, nullptr, PoolOptions{.capacity = 64, .min_age = 0}, listener);
    std::vector<Process> children;
    for (int i = 0; i < 64; ++i) {
        children.push_back(start_sleeper());
        wide.forked(describe(children.back().pid()), kBirth);
    }
    wide.open_due(kBirth, kAll);
    ASSERT_EQ(wide.count(WatchState::alive), 64U);
    for (const Process& child : children) {
        ASSERT_TRUE(child.kill(SIGKILL));
    }
    run_until(*loop, [&] { return listener.count("ended") == 64; });
    EXPECT_EQ(wide.count(WatchState::alive), 0U);
    for (Process& child : children) {
        (void)value_of(child.wait());
    }
    run_until(*loop, [&] { return listener.count("released") == 64; });
    EXPECT_EQ(wide.count(WatchState::zombie), 0U);
}

} // namespace
} // namespace knell::test

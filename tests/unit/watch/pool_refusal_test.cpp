#include "agent/pidfd/features.hpp"
#include "tests/unit/watch/pool_fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>

namespace knell::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class PoolRefusalTest : public PoolTest {
  protected:
    // Nothing is watched, nobody was told, nothing is left open.
    void expect_refused(const std::string& why, std::size_t descriptors_before) {
        EXPECT_EQ(refusals(), why);
        EXPECT_THAT(listener.calls, IsEmpty());
        EXPECT_THAT(states(), ElementsAre(0, 0, 0));
        EXPECT_EQ(open_descriptors(), descriptors_before);
    }
};
INSTANTIATE_TEST_SUITE_P(Pool, PoolRefusalTest, every_variant(), variant_name);

// While it lives no descriptor can be opened.
class NoMoreDescriptors {
  public:
    NoMoreDescriptors() {
        ::getrlimit(RLIMIT_NOFILE, &saved_);
        const Fd lowest_free(::open("/dev/null", O_RDONLY | O_CLOEXEC));
        const rlimit none{.rlim_cur = static_cast<rlim_t>(lowest_free.get()), .rlim_max = saved_.rlim_max};
        EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    }
    NoMoreDescriptors(const NoMoreDescriptors&) = delete;
    NoMoreDescriptors& operator=(const NoMoreDescriptors&) = delete;
    ~NoMoreDescriptors() { EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &saved_), 0); }

  private:
    rlimit saved_{};
};

TEST_P(PoolRefusalTest, Filtered) {
    const Process child = start_sleeper();
    const std::size_t descriptors = open_descriptors();
    listener.select = [](const knell_process&) { return false; };
    EXPECT_EQ(watch(child), nullptr);
    expect_refused("filtered 1", descriptors);
}

TEST_P(PoolRefusalTest, ReapedBeforeItWasOpened) {
    Process child = start_sleeper();
    const knell_process process = describe(child.pid());
    const std::size_t descriptors = open_descriptors();
    ASSERT_TRUE(child.kill(SIGKILL));
    (void)value_of(child.wait());
    EXPECT_EQ(watch(process), nullptr);
    expect_refused("gone 1", descriptors);
}

TEST_P(PoolRefusalTest, RecycledByInode) {
    if (!available(PidfdFeature::pidfs)) {
        GTEST_SKIP() << "no identity of pidfds before Linux 6.9";
    }
    const Process child = start_sleeper();
    knell_process process = describe(child.pid());
    const std::size_t descriptors = open_descriptors();
    process.pid_inode -= 1;
    EXPECT_EQ(watch(process), nullptr);
    expect_refused("recycled 1", descriptors);
}

// As on kernels before 6.9: the start in clock ticks decides.
TEST_P(PoolRefusalTest, RecycledByStart) {
    const Process child = start_sleeper();
    knell_process process = describe(child.pid());
    const std::size_t descriptors = open_descriptors();
    const Nanoseconds tick = kSecond / static_cast<Nanoseconds>(::sysconf(_SC_CLK_TCK));
    process.pid_inode = 0;
    process.start_boot_ns += tick;
    EXPECT_EQ(watch(process), nullptr);
    expect_refused("recycled 1", descriptors);
    process.start_boot_ns -= tick;
    EXPECT_NE(watch(process), nullptr);
    EXPECT_THAT(states(), ElementsAre(0, 1, 0));
}

TEST_P(PoolRefusalTest, AZombieOfTheSameNumberIsNotTheYoungOne) {
    if (!available(PidfdFeature::pidfs)) {
        GTEST_SKIP() << "no identity of pidfds before Linux 6.9";
    }
    Process old = start_sleeper();
    ASSERT_NE(watch(old), nullptr);
    ASSERT_TRUE(old.kill(SIGKILL));
    run_until_told("ended");
    knell_process young = describe(old.pid());
    young.pid_inode += 1;
    EXPECT_EQ(watch(young), nullptr);
    EXPECT_EQ(refusals(), "recycled 1");
    EXPECT_THAT(states(), ElementsAre(0, 0, 1)) << "the old one's watch is not touched";
    (void)value_of(old.wait());
    run_until_told("released");
    EXPECT_THAT(states(), ElementsAre(0, 0, 0));
}

TEST_P(PoolRefusalTest, FullAtCapacityUntilOneIsReleased) {
    Pool pair(*loop, &slots, PoolOptions{.capacity = 2, .min_age = 0}, listener);
    EXPECT_EQ(pair.capacity(), 2U);
    std::vector<Process> children;
    for (int i = 0; i < 3; ++i) {
        children.push_back(start_sleeper());
        pair.forked(describe(children.back().pid()), kBirth);
    }
    const std::size_t descriptors = open_descriptors();
    pair.open_due(kBirth, kAll);
    EXPECT_EQ(listener.count("watched"), 2U);
    EXPECT_EQ(pair.count(WatchState::alive), 2U);
    EXPECT_EQ(pair.refused(WatchRefusal::full), 1U);
    EXPECT_EQ(open_descriptors(), descriptors + 2);

    ASSERT_TRUE(children[0].kill(SIGKILL));
    (void)value_of(children[0].wait());
    run_until_told("released");
    pair.forked(describe(children[2].pid()), kBirth);
    pair.open_due(kBirth, kAll);
    EXPECT_EQ(listener.count("watched"), 3U);
    EXPECT_EQ(pair.refused(WatchRefusal::full), 1U);
}

TEST_P(PoolRefusalTest, CapacityIsNotAboveTheSlots) {
    const Pool large(*loop, &slots, PoolOptions{.capacity = 1000, .min_age = 0}, listener);
    EXPECT_EQ(large.capacity(), slots.memory.size());
}

TEST_P(PoolRefusalTest, OutOfDescriptors) {
    const Process child = start_sleeper();
    const knell_process process = describe(child.pid());
    const std::size_t descriptors = open_descriptors();
    pool->forked(process, kBirth);
    {
        const NoMoreDescriptors limit;
        pool->open_due(kDue, kAll);
    }
    expect_refused("descriptors 1", descriptors);
    EXPECT_NE(watch(process), nullptr) << "a later process has its chance";
}

TEST_P(PoolRefusalTest, TheTagIsRefused) {
    const Process child = start_sleeper();
    const std::size_t descriptors = open_descriptors();
    slots.refuse_with = ENOMEM;
    EXPECT_EQ(watch(child), nullptr);
    expect_refused("memory 1", descriptors);
    slots.refuse_with = 0;
    EXPECT_NE(watch(child), nullptr) << "its watch is free again";
    EXPECT_THAT(slots.tagged, ElementsAre(0));
}

// It died in between: the pidfd tells the rest.
TEST_P(PoolRefusalTest, ATagThatComesTooLateIsNoRefusal) {
    const Process child = start_sleeper();
    slots.refuse_with = ESRCH;
    ASSERT_NE(watch(child), nullptr);
    EXPECT_EQ(refusals(), "");
    ASSERT_TRUE(child.kill(SIGKILL));
    run_until_told("ended");
}

TEST_P(PoolRefusalTest, TheWaitIsRefused) {
    struct Row {
        int errno_value;
        const char* why;
    };
    const Process child = start_sleeper();
    const std::size_t descriptors = open_descriptors();
    for (const Row& row : {Row{ENOSPC, "memory 1"}, Row{ENOMEM, "memory 2"}, Row{EPERM, "memory 2 other 1"}}) {
        refusing->refuse_with = row.errno_value;
        EXPECT_EQ(watch(child), nullptr);
        expect_refused(row.why, descriptors);
    }
    EXPECT_EQ(slots.untagged, 3U) << "its end must not be written into the slot of another";
    EXPECT_EQ(pool->exited(describe(child.pid())), nullptr);
}

TEST_P(PoolRefusalTest, TheWaitForTheReapIsRefused) {
    if (!available(PidfdFeature::pidfs)) {
        GTEST_SKIP() << "a pidfd does not report the reap before Linux 6.9";
    }
    const Process child = start_sleeper();
    ASSERT_NE(watch(child), nullptr);
    refusing->refuse_with = ENOMEM;
    ASSERT_TRUE(child.kill(SIGKILL));
    run_until_told("released");
    EXPECT_THAT(listener.calls, ElementsAre("watched", "ended", "released"));
    EXPECT_EQ(refusals(), "memory 1");
    EXPECT_THAT(states(), ElementsAre(0, 0, 0));
}

TEST_P(PoolRefusalTest, AWaitThatFailsEndsTheWatch) {
    const Process child = start_sleeper();
    const std::size_t descriptors = open_descriptors();
    refusing->on_no_descriptor = true;
    if (loop->backend() == Loop::Backend::epoll) {
        EXPECT_EQ(watch(child), nullptr) << "epoll says at once what io_uring says later";
    } else {
        ASSERT_NE(watch(child), nullptr);
        run_until_told("released");
        EXPECT_THAT(listener.calls, ElementsAre("watched", "released"));
    }
    EXPECT_EQ(refusals(), "other 1");
    EXPECT_EQ(slots.untagged, 1U);
    EXPECT_THAT(states(), ElementsAre(0, 0, 0));
    EXPECT_EQ(open_descriptors(), descriptors);
}

// A storm of births while nothing is due: the queue is bounded and the rest is counted.
TEST_P(PoolRefusalTest, CandidatesAreBounded) {
    constexpr std::uint32_t kBirths = 200'000;
    for (std::uint32_t pid = 1; pid <= kBirths; ++pid) {
        knell_process process{};
        process.pid = pid;
        pool->forked(process, kBirth);
    }
    const std::uint64_t waiting = pool->count(WatchState::candidate);
    EXPECT_LE(waiting, 1U << 17);
    EXPECT_GE(waiting, 1U << 16);
    EXPECT_EQ(waiting + pool->refused(WatchRefusal::full), kBirths);
    knell_process first{};
    first.pid = 1;
    EXPECT_EQ(pool->exited(first), nullptr);
    pool->forked(first, kBirth);
    EXPECT_EQ(pool->count(WatchState::candidate), waiting) << "room for one again";
}

} // namespace
} // namespace knell::test

#include "agent/pidfd/features.hpp"
#include "agent/pidfd/procfd.hpp"
#include "agent/pidfd/stat.hpp"
#include "tests/unit/watch/pool_fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <set>
#include <utility>

namespace knell::test {
namespace {

using testing::ElementsAre;

// Scans look at all processes of the machine; the listener selects the test's own.
class ScanTest : public PoolTest {
  protected:
    void select_only(const Process& child) {
        listener.select = [pid = static_cast<std::uint32_t>(child.pid())](const knell_process& process) {
            return process.pid == pid;
        };
    }
    std::ptrdiff_t times_asked(const Process& child) const {
        return std::ranges::count(listener.asked, static_cast<std::uint32_t>(child.pid()), &knell_process::pid);
    }
    // By pid and inode: a pid alone may come round.
    std::set<std::pair<std::uint32_t, std::uint64_t>> all_asked() const {
        std::set<std::pair<std::uint32_t, std::uint64_t>> all;
        for (const knell_process& process : listener.asked) {
            all.emplace(process.pid, process.pid_inode);
        }
        return all;
    }
    void scan() {
        const auto scanned = pool->scan_proc();
        ASSERT_TRUE(scanned) << scanned.error().message;
    }
};
INSTANTIATE_TEST_SUITE_P(Pool, ScanTest, every_variant(), variant_name);

TEST_P(ScanTest, FindsAnExistingProcessOnce) {
    const Instant before = monotonic_now();
    Process child = start_die({"rename", "found by scan"});
    const Instant after = monotonic_now();
    (void)value_of(child.read_after("ready"));
    select_only(child);
    scan();
    EXPECT_THAT(listener.calls, ElementsAre("watched"));
    EXPECT_THAT(states(), ElementsAre(0, 1, 0));
    const knell_process& found = listener.watched_processes.at(0);
    const knell_process expected = describe(child.pid());
    EXPECT_EQ(found.pid, expected.pid);
    EXPECT_EQ(found.ppid, static_cast<std::uint32_t>(::getpid()));
    EXPECT_EQ(found.pid_inode, expected.pid_inode);
    EXPECT_STREQ(found.comm, "found by scan");
    // /proc rounds down to a clock tick.
    const Nanoseconds tick = kSecond / static_cast<Nanoseconds>(::sysconf(_SC_CLK_TCK));
    EXPECT_GE(found.start_ns + tick + kMillisecond, before);
    EXPECT_LE(found.start_ns, after);

    scan();
    EXPECT_THAT(listener.calls, ElementsAre("watched")) << "known by now";
    EXPECT_EQ(pool->exited(expected), listener.last);
}

TEST_P(ScanTest, ItsEndIsSeen) {
    Process child = start_sleeper();
    select_only(child);
    scan();
    ASSERT_TRUE(listener.was("watched"));
    ASSERT_TRUE(child.kill(SIGKILL));
    (void)value_of(child.wait());
    run_until_told("ended");
    EXPECT_EQ(listener.calls.at(1), "ended");
}

TEST_P(ScanTest, FindsAZombie) {
    const Process child = start_zombie();
    select_only(child);
    scan();
    ASSERT_EQ(listener.count("watched"), 1U);
    run_until_told("ended");
}

TEST_P(ScanTest, LeavesCandidatesToTheirTime) {
    const Process child = start_sleeper();
    select_only(child);
    pool->forked(describe(child.pid()), kBirth);
    scan();
    EXPECT_THAT(states(), ElementsAre(1, 0, 0));
    EXPECT_FALSE(listener.was("watched"));
}

// Born before the scan, its record read after it.
TEST_P(ScanTest, ABirthRecordThatComesLaterIsNoSecondProcess) {
    const Process child = start_sleeper();
    select_only(child);
    scan();
    const knell_process process = describe(child.pid());
    pool->forked(process, kBirth);
    EXPECT_THAT(states(), ElementsAre(0, 1, 0));
    pool->open_due(kDue, kAll);
    EXPECT_THAT(states(), ElementsAre(0, 1, 0));
    EXPECT_EQ(listener.count("watched"), 1U);
    EXPECT_EQ(pool->exited(process), listener.last);
}

TEST_P(ScanTest, KernelThreadsAreNoProcesses) {
    listener.select = [](const knell_process&) { return false; };
    scan();
    EXPECT_GE(listener.asked.size(), 1U) << "this process at least";
    EXPECT_EQ(pool->refused(WatchRefusal::filtered), listener.asked.size());
    for (const knell_process& asked : listener.asked) {
        const auto pidfd = Pidfd::open(static_cast<pid_t>(asked.pid));
        const auto directory = pidfd ? procfd::open(*pidfd) : std::unexpected(pidfd.error());
        const auto stat = directory ? procfd::read_stat(*directory) : std::unexpected(directory.error());
        EXPECT_FALSE(stat && stat->kernel_thread()) << asked.pid;
    }
    const bool has_kthreadd = [] {
        const auto pidfd = Pidfd::open(2);
        const auto directory = pidfd ? procfd::open(*pidfd) : std::unexpected(pidfd.error());
        const auto stat = directory ? procfd::read_stat(*directory) : std::unexpected(directory.error());
        return stat && stat->kernel_thread();
    }();
    if (!has_kthreadd) {
        GTEST_SKIP() << "no kernel thread is visible in this pid namespace";
    }
}

// Without BPF a scan comes each second. Other processes begin and end meanwhile.
TEST_P(ScanTest, WhoIsNotSelectedIsAskedAboutOnce) {
    const Process child = start_sleeper();
    listener.select = [](const knell_process&) { return false; };
    scan();
    scan();
    EXPECT_EQ(times_asked(child), 1);
    EXPECT_EQ(pool->refused(WatchRefusal::filtered), all_asked().size());

    select_only(child);
    scan();
    EXPECT_FALSE(listener.was("watched"));
    pool->ask_again();
    scan();
    EXPECT_EQ(times_asked(child), 2);
    EXPECT_TRUE(listener.was("watched"));
}

TEST_P(ScanTest, WhoIsTooYoungIsNotTurnedDownYet) {
    pool->set_min_age(1'000'000 * kSecond);
    const Process child = start_sleeper();
    listener.select = [](const knell_process&) { return false; };
    scan();
    scan();
    EXPECT_EQ(times_asked(child), 2);
    EXPECT_EQ(pool->refused(WatchRefusal::filtered), 0U);
    pool->set_min_age(0);
    scan();
    EXPECT_EQ(times_asked(child), 3);
    EXPECT_GE(pool->refused(WatchRefusal::filtered), 1U);
    scan();
    EXPECT_EQ(times_asked(child), 3);
}

TEST_P(ScanTest, WhoCannotBeJudgedIsAskedAboutAgainAndCountedOnceForEachReason) {
    const Process child = start_sleeper();
    listener.can_tell = false;
    scan();
    scan();
    EXPECT_EQ(times_asked(child), 2);
    EXPECT_EQ(pool->refused(WatchRefusal::other), all_asked().size());
    listener.can_tell = true;
    select_only(child);
    refusing->refuse_with = ENOMEM;
    scan();
    scan();
    EXPECT_EQ(pool->refused(WatchRefusal::memory), 1U);
    refusing->refuse_with = 0;
    scan();
    EXPECT_TRUE(listener.was("watched"));
}

TEST_P(ScanTest, AFullPoolRefusesTheRestOnceAndTakesThemInWhenThereIsRoom) {
    Pool one(*loop, nullptr, PoolOptions{.capacity = 1, .min_age = 0}, listener);
    std::array<Process, 2> children = {start_sleeper(), start_sleeper()};
    listener.select = [&](const knell_process& process) {
        return std::ranges::any_of(
            children, [&](const Process& child) { return process.pid == static_cast<std::uint32_t>(child.pid()); });
    };
    for (int i = 0; i < 2; ++i) {
        const auto scanned = one.scan_proc();
        ASSERT_TRUE(scanned) << scanned.error().message;
        EXPECT_EQ(one.count(WatchState::alive), 1U);
        EXPECT_EQ(one.refused(WatchRefusal::full), 1U);
    }
    for (Process& child : children) {
        if (static_cast<std::uint32_t>(child.pid()) == listener.watched_processes.at(0).pid) {
            ASSERT_TRUE(child.kill(SIGKILL));
            (void)value_of(child.wait());
        }
    }
    run_until_told("ended");
    if (available(PidfdFeature::pidfs) && one.count(WatchState::zombie) != 0) {
        run_until_told("released");
    }
    const auto scanned = one.scan_proc();
    ASSERT_TRUE(scanned) << scanned.error().message;
    EXPECT_EQ(one.count(WatchState::alive), 1U);
}

} // namespace
} // namespace knell::test

#include "agent/pidfd/procfd.hpp"
#include "tests/unit/observer/reporter_fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

// The order in which the witnesses of a death speak: the exit record, the slot, the pidfd.

namespace knell::test {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

class DeathReporterTest : public ZombieTest {
  protected:
    struct Victim {
        Process child;
        knell_process process;
        Watch* watched;
    };

    // A watched child that was killed. The kernel has written its end, at 5000, and when the world was told; its record
    // is still in the ring, and its pidfd was not looked at.
    Victim kill_watched(Instant notify) {
        Process child = start_sleeper();
        const knell_process process = describe(child.pid());
        Watch* watched = watch(process);
        EXPECT_NE(watched, nullptr);
        EXPECT_TRUE(child.kill(SIGKILL));
        write_slot(5000, notify);
        return {std::move(child), process, watched};
    }
};

knell_process stranger() {
    knell_process process{};
    process.pid = 4242;
    process.ppid = 41;
    process.uid = 1001;
    process.start_ns = 99;
    process.pid_inode = 123;
    std::ranges::copy(std::string_view("str\xff\nger"), process.comm);
    return process;
}

TEST_F(DeathReporterTest, AnUnwatchedProcessIsToldAtOnce) {
    start(kAllSources);
    record(exit_record(stranger(), 3 << 8, 5000));
    ASSERT_THAT(sink.events, SizeIs(1));
    const Exit exit = sink.of<Exit>().at(0);
    EXPECT_EQ(exit.process.pid, 4242U);
    EXPECT_EQ(exit.process.ppid, 41U);
    EXPECT_EQ(exit.process.uid, std::optional<std::uint32_t>(1001));
    EXPECT_EQ(exit.process.comm, "str\xff\nger");
    EXPECT_EQ(exit.process.start, 99U);
    EXPECT_EQ(exit.process.pidfd_inode, 123U);
    EXPECT_EQ(exit.time, 5000U);
    EXPECT_EQ(exit.reason, Reason::error);
    EXPECT_EQ(exit.exit_code, std::optional<int>(3));
    EXPECT_EQ(exit.signal, 0);
    EXPECT_EQ(exit.teardown, std::nullopt);
    EXPECT_EQ(exit.reaction, std::nullopt);
    EXPECT_EQ(zombies(), 0U);
}

TEST_F(DeathReporterTest, ACommOfFullLengthEndsWithItsField) {
    start(kAllSources);
    knell_process process = stranger();
    std::ranges::fill(process.comm, 'x');
    record(exit_record(process, 0));
    EXPECT_EQ(sink.of<Exit>().at(0).process.comm, std::string(KNELL_COMM_SIZE, 'x'));
}

TEST_F(DeathReporterTest, AWatchedOneWaitsForItsPidfdAndHasTheTimes) {
    start(kAllSources);
    auto [child, process, watched] = kill_watched(6000);
    record(exit_record(process, SIGKILL, 5000));
    EXPECT_THAT(sink.events, IsEmpty()) << "the pidfd has not spoken";
    EXPECT_EQ(zombies(), 0U);

    run_until_zombies(1);
    ASSERT_THAT(sink.events, SizeIs(1));
    const Exit exit = sink.of<Exit>().at(0);
    EXPECT_EQ(exit.process.pid, process.pid);
    EXPECT_EQ(exit.time, 5000U);
    EXPECT_EQ(exit.signal, SIGKILL);
    EXPECT_EQ(exit.teardown, std::optional<Nanoseconds>(1000));
    EXPECT_EQ(exit.reaction, std::optional<Nanoseconds>(watched->end().noticed - 6000));
    EXPECT_EQ(zombies(), 1U);
    EXPECT_EQ(oldest_zombie(), 6000U) << "a zombie since the world was told";

    (void)value_of(child.wait());
    run_until_released();
    ASSERT_THAT(sink.events, SizeIs(2));
    const Reap reap = sink.of<Reap>().at(0);
    EXPECT_EQ(reap.process.pid, process.pid);
    EXPECT_EQ(reap.process.comm, "die");
    EXPECT_GE(reap.time, watched->end().noticed);
    EXPECT_EQ(reap.reap, std::optional<Nanoseconds>(reap.time - 6000));
    EXPECT_EQ(zombies(), 0U);
}

// The kernel stamps after it wakes us: a reporter that is fast waits, not only for the pidfd.
TEST_F(DeathReporterTest, TheNotifyStampMayBeLate) {
    start(kAllSources);
    auto [child, process, watched] = kill_watched(0);
    record(exit_record(process, SIGKILL, 5000));
    EXPECT_EQ(reporter->next_late(), std::nullopt);
    run_until_zombies(1);
    const Instant noticed = watched->end().noticed;
    reporter->tell_late(noticed);
    EXPECT_THAT(sink.events, IsEmpty());
    ASSERT_NE(reporter->next_late(), std::nullopt);
    EXPECT_GT(*reporter->next_late(), noticed);

    write_slot(5000, 6000);
    reporter->tell_late(noticed);
    ASSERT_THAT(sink.events, SizeIs(1));
    EXPECT_EQ(sink.of<Exit>().at(0).teardown, std::optional<Nanoseconds>(1000));
    EXPECT_EQ(sink.of<Exit>().at(0).reaction, std::optional<Nanoseconds>(noticed - 6000));
    EXPECT_EQ(reporter->next_late(), std::nullopt);
}

// A process without an exit signal is never stamped.
TEST_F(DeathReporterTest, ItsPatienceForTheNotifyStampEnds) {
    start(kAllSources);
    Victim victim = kill_watched(0);
    record(exit_record(victim.process, SIGKILL, 5000));
    run_until_zombies(1);
    ASSERT_NE(reporter->next_late(), std::nullopt);
    reporter->tell_late(*reporter->next_late());
    ASSERT_THAT(sink.events, SizeIs(1));
    EXPECT_EQ(sink.of<Exit>().at(0).reaction, std::nullopt);
    EXPECT_EQ(zombies(), 1U);
    EXPECT_EQ(reporter->next_late(), std::nullopt);
}

TEST_F(DeathReporterTest, NobodyWaitsForTheNotifyStampOfAReapedProcess) {
    start(kAllSources);
    Victim victim = kill_watched(0);
    record(exit_record(victim.process, SIGKILL, 5000));
    run_until_zombies(1);
    EXPECT_THAT(sink.events, IsEmpty());
    (void)value_of(victim.child.wait());
    run_until_released();
    EXPECT_THAT(sink.of<Exit>(), SizeIs(1));
    EXPECT_THAT(sink.of<Reap>(), SizeIs(1));
    EXPECT_EQ(reporter->next_late(), std::nullopt);
    EXPECT_EQ(zombies(), 0U);
}

// Without the signal program nobody knows when the world was told: no times of it, and the reap counts from our
// wake-up.
TEST_F(DeathReporterTest, WithoutTheNotifyStampNoTimeIsInvented) {
    start({.exit_records = true, .observes_signals = false});
    auto [child, process, watched] = kill_watched(0);
    record(exit_record(process, SIGKILL, 5000));
    run_until_zombies(1);
    const Instant noticed = watched->end().noticed;
    EXPECT_EQ(sink.of<Exit>().at(0).teardown, std::nullopt);
    EXPECT_EQ(sink.of<Exit>().at(0).reaction, std::nullopt);
    EXPECT_EQ(oldest_zombie(), noticed);
    (void)value_of(child.wait());
    run_until_released();
    const Reap reap = sink.of<Reap>().at(0);
    EXPECT_EQ(reap.reap, std::optional<Nanoseconds>(reap.time - noticed));
}

TEST_F(DeathReporterTest, ThePidfdMayBeFasterThanTheRing) {
    start(kAllSources);
    Victim victim = kill_watched(6000);
    run_until_zombies(1);
    EXPECT_THAT(sink.events, IsEmpty());
    record(exit_record(victim.process, SIGKILL, 5000));
    ASSERT_THAT(sink.events, SizeIs(1));
    EXPECT_EQ(sink.of<Exit>().at(0).teardown, std::optional<Nanoseconds>(1000));
    EXPECT_NE(sink.of<Exit>().at(0).reaction, std::nullopt);
    EXPECT_EQ(zombies(), 1U);
    (void)value_of(victim.child.wait());
    run_until_released();
    EXPECT_THAT(sink.of<Exit>(), SizeIs(1));
    EXPECT_THAT(sink.of<Reap>(), SizeIs(1));
    EXPECT_EQ(zombies(), 0U);
}

// Even the reap was: its watch is gone, the death is told without times.
TEST_F(DeathReporterTest, ARecordAfterTheReapIsToldOnce) {
    start(kAllSources);
    Process child = start_sleeper();
    const knell_process process = describe(child.pid());
    ASSERT_NE(watch(process), nullptr);
    write_slot(5000, 6000);
    ASSERT_TRUE(child.kill(SIGKILL));
    (void)value_of(child.wait());
    run_until_released();
    EXPECT_THAT(sink.events, IsEmpty());
    record(exit_record(process, SIGKILL, 5000));
    ASSERT_THAT(sink.events, SizeIs(1));
    EXPECT_EQ(sink.of<Exit>().at(0).teardown, std::nullopt);
    EXPECT_EQ(zombies(), 0U);
}

TEST_F(DeathReporterTest, GivenUpBeforeItsPidfdSpokeIsToldWithoutTimes) {
    start(kAllSources);
    const Process child = start_sleeper();
    const knell_process process = describe(child.pid());
    ASSERT_NE(watch(process), nullptr);
    record(exit_record(process, 0, 5000));
    pool->release_all();
    ASSERT_THAT(sink.events, SizeIs(1));
    EXPECT_EQ(sink.of<Exit>().at(0).reason, Reason::success);
    EXPECT_EQ(sink.of<Exit>().at(0).teardown, std::nullopt);
    EXPECT_EQ(sink.of<Exit>().at(0).reaction, std::nullopt);
}

TEST_F(DeathReporterTest, ExecIsTold) {
    start(kAllSources);
    knell_exec exec{};
    exec.head.time_ns = 700;
    exec.process = stranger();
    reporter->execed(exec);
    ASSERT_THAT(sink.events, SizeIs(1));
    EXPECT_EQ(sink.of<Exec>().at(0).time, 700U);
    EXPECT_EQ(sink.of<Exec>().at(0).process.pid, 4242U);
    EXPECT_EQ(sink.of<Exec>().at(0).process.comm, "str\xff\nger");
}

TEST_F(DeathReporterTest, SelectsByComm) {
    start(kAllSources, {PatternList({"*"}), PatternList({"str*", "!*er"})});
    knell_process process{};
    for (const auto& [comm, selected] : {std::pair("string", true), {"stranger", false}, {"x", false}}) {
        std::ranges::fill(process.comm, '\0');
        std::ranges::copy(std::string_view(comm), process.comm);
        EXPECT_EQ(reporter->selects(process, nullptr), selected ? Selection::yes : Selection::no) << comm;
    }
    reporter->set_select(select_comm("x"));
    EXPECT_EQ(reporter->selects(process, nullptr), Selection::yes);
}

TEST_F(DeathReporterTest, SelectsByCgroupAsFarAsItIsKnown) {
    start(kAllSources, {PatternList({"*", "!/no/such/cgroup"}), PatternList({"*"})});
    const Fd self = value_of(procfd::open(value_of(Pidfd::open(::getpid()))));
    const knell_process process = describe(::getpid());
    EXPECT_EQ(reporter->selects(process, &self), Selection::yes) << "by its /proc directory";
    EXPECT_EQ(reporter->selects(process, nullptr), Selection::unknown) << "no hierarchy can be asked";
    reporter->set_select({PatternList({"/no/such/cgroup"}), PatternList({"*"})});
    EXPECT_EQ(reporter->selects(process, &self), Selection::no);
}

} // namespace
} // namespace knell::test

#include "agent/pidfd/features.hpp"
#include "tests/bpf/backends.hpp"
#include "tests/bpf/bpf_test.hpp"
#include "tests/bpf/numbered_child.hpp"
#include "tests/bpf/observer_under_test.hpp"
#include "tests/bpf/scene.hpp"

#include <gtest/gtest.h>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

// Processes that are watched: the kernel's times from their slots, our own from their pidfds.

namespace knell::test {
namespace {

constexpr Nanoseconds kYoung = kMillisecond;
constexpr Nanoseconds kNever = 3600 * kSecond;

// Before Linux 6.9 a watch ends with the process: its pidfd has nothing more to tell.
constexpr const char* kNoReap = "a pidfd does not report the reap before Linux 6.9";

bool tells_reap() {
    return available(PidfdFeature::pidfs);
}

std::uint64_t inode_of(pid_t pid) {
    struct stat status{};
    const Fd pidfd = open_pidfd(pid);
    return ::fstat(pidfd.get(), &status) == 0 ? status.st_ino : 0;
}

// All that these tests watch lives in a unit of its own; other processes are not selected.
class Watched : public BpfTestWithParam<BackendChoice> {
  protected:
    void SetUp() override {
        const TestCgroup& slice = scene_.keep(TestCgroup::unified());
        unit_ = slice.path().filename().string() + ".service";
        service_ = &scene_.keep(TestCgroup::inside(slice, unit_));
    }

    void observe(Nanoseconds min_age, std::uint64_t ring_bytes = RingOptions{}.size_bytes) {
        ObserverOptions options;
        options.probe.ring.size_bytes = ring_bytes;
        options.pool.min_age = min_age;
        options.select.cgroup = PatternList({"*/" + unit_});
        observer_ = must(ObserverUnderTest::start(options, GetParam()));
    }

    Process& start_ready(const std::vector<std::string>& arguments) { return scene_.start_ready(arguments, member()); }
    // Born in the unit: a process is selected by where it is when it gets old enough, and that may be before it
    // executes.
    ProcessOptions member() { return {.born_in = service_->path(), .own_group = true}; }

    // Somebody else may have the number for a moment.
    NumberedChild start_numbered(pid_t pid) {
        std::optional<Result<NumberedChild>> child;
        eventually([&] {
            child.emplace(NumberedChild::start(pid, service_->path()));
            return *child || child->error().errno_value != EEXIST;
        });
        return must(std::move(*child));
    }

    // Of all members of the unit.
    void await_state(WatchState state, std::uint64_t count) {
        EXPECT_TRUE(eventually([&] { return watches(state) == count; }))
            << name_of(kWatchStateNames, state) << " is " << watches(state) << ", not " << count << "; refused "
            << testing::PrintToString(observer_->status().watch_refused);
    }
    std::uint64_t watches(WatchState state) { return observer_->status().watches[static_cast<std::size_t>(state)]; }
    std::uint64_t refused(WatchRefusal why) { return observer_->status().watch_refused[static_cast<std::size_t>(why)]; }

    // In the metrics; nullopt: the unit does not appear there.
    std::optional<std::uint64_t> zombies() {
        for (const auto& workload : observer_->ledger().workloads()) {
            if (workload->labels().unit == unit_) {
                return workload->zombies().count();
            }
        }
        return std::nullopt;
    }

    Scene scene_;
    std::string unit_;
    TestCgroup* service_ = nullptr;
    std::unique_ptr<ObserverUnderTest> observer_;
};

void expect_times(const Exit& exit) {
    ASSERT_TRUE(exit.teardown && exit.reaction) << "process " << exit.process.pid;
    EXPECT_GT(*exit.teardown, 0U);
    EXPECT_LT(*exit.teardown, kSecond);
    EXPECT_LT(*exit.reaction, kSecond);
}

TEST_P(Watched, ExitAndReapHaveTheirTimes) {
    observe(kYoung);
    const Instant before = monotonic_now();
    Process& victim = start_ready({"sleep"});
    const Born born{victim.pid(), before};
    await_state(WatchState::alive, 1);
    const std::uint64_t inode = inode_of(victim.pid());

    const Instant before_end = monotonic_now();
    must(victim.kill(SIGKILL));
    const Exit exit = must(observer_->log().await_exit(born));
    const Instant told = monotonic_now();
    expect_times(exit);
    EXPECT_GT(exit.time, before_end);
    EXPECT_LT(exit.time + *exit.teardown + *exit.reaction, told);
    EXPECT_EQ(exit.process.place->unit, unit_);
    if (!tells_reap()) {
        await_state(WatchState::alive, 0);
        await_state(WatchState::zombie, 0); // the death is told before its watch is given up
        GTEST_SKIP() << kNoReap;
    }
    EXPECT_EQ(exit.process.pidfd_inode, inode);
    EXPECT_EQ(zombies(), 1U);
    EXPECT_EQ(watches(WatchState::zombie), 1U);

    constexpr timespec kLeaveItUnreaped{.tv_sec = 0, .tv_nsec = 20'000'000};
    ::nanosleep(&kLeaveItUnreaped, nullptr);
    const Instant before_reap = monotonic_now();
    EXPECT_EQ(must(victim.wait()), SIGKILL);
    const Reap reap = must(observer_->log().await_reap(born));
    ASSERT_TRUE(reap.reap);
    EXPECT_GE(*reap.reap, before_reap - told);
    EXPECT_LE(*reap.reap, reap.time - exit.time);
    EXPECT_EQ(reap.process.start, exit.process.start);
    EXPECT_EQ(reap.process.pidfd_inode, inode);
    await_state(WatchState::zombie, 0);
    EXPECT_EQ(zombies(), 0U);

    must(observer_->settle());
    EXPECT_EQ(observer_->log().exits_of(born).size(), 1U);
    EXPECT_EQ(observer_->log().reaps_of(born).size(), 1U);
}

TEST_P(Watched, YoungProcessIsNeverOpened) {
    observe(kNever);
    const auto refused_before = observer_->status().watch_refused;
    const Instant before = monotonic_now();
    Process& victim = start_ready({"sleep"});
    EXPECT_TRUE(eventually([&] { return watches(WatchState::candidate) >= 1; })); // others are candidates too
    must(victim.kill(SIGKILL));
    const Exit exit = must(observer_->log().await_exit({victim.pid(), before}));
    EXPECT_EQ(must(victim.wait()), SIGKILL);

    must(observer_->settle());
    EXPECT_FALSE(exit.teardown);
    EXPECT_FALSE(exit.reaction);
    EXPECT_EQ(watches(WatchState::alive), 0U);
    EXPECT_EQ(observer_->status().watch_refused, refused_before) << "a pidfd was asked for";
    EXPECT_TRUE(observer_->log().reaps_of({victim.pid(), before}).empty());
}

TEST_P(Watched, ProcessesFromBeforeTheStart) {
    if (!tells_reap()) {
        GTEST_SKIP() << kNoReap;
    }
    const Instant before = monotonic_now();
    Process& alive = start_ready({"sleep"});
    Process& zombie = scene_.start({"exit", "0"}, member());
    siginfo_t info{};
    ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(zombie.pid()), &info, WEXITED | WNOWAIT), 0);
    observe(kYoung);
    await_state(WatchState::alive, 1);
    await_state(WatchState::zombie, 1);
    EXPECT_EQ(zombies(), 1U);

    must(alive.kill(SIGTERM));
    const Exit exit = must(observer_->log().await_exit({alive.pid(), before}));
    expect_times(exit);
    EXPECT_EQ(exit.signal, SIGTERM);
    EXPECT_EQ(exit.process.uid, 0U);
    EXPECT_EQ(zombies(), 2U);
    must(alive.wait());
    must(zombie.wait());
    must(observer_->log().await_reap({alive.pid(), before}));
    await_state(WatchState::zombie, 0);
    must(observer_->settle());
    EXPECT_TRUE(observer_->log().exits_of({zombie.pid(), before}).empty()) << "it ended before anybody looked";
    EXPECT_TRUE(observer_->log().reaps_of({zombie.pid(), before}).empty());
}

TEST_P(Watched, AllOfACrowdThatDiesAtOnce) {
    if (!tells_reap()) {
        GTEST_SKIP() << kNoReap;
    }
    constexpr std::size_t kCrowd = 2'000;
    observe(kYoung);
    const Instant before = monotonic_now();
    Process& parent = start_ready({"crowd", std::to_string(kCrowd)});
    const Born born{parent.pid(), before};
    await_state(WatchState::alive, kCrowd + 1);

    ASSERT_EQ(::kill(-parent.pid(), SIGTERM), 0);
    EXPECT_EQ(must(parent.wait()), EXIT_SUCCESS);
    must(observer_->log().await_reaps_of_children(born, kCrowd));
    await_state(WatchState::alive, 0);
    await_state(WatchState::zombie, 0);
    must(observer_->settle());
    EXPECT_EQ(observer_->log().reaps_of_children(born).size(), kCrowd);
    const std::vector<Exit> exits = observer_->log().exits_of_children(born);
    EXPECT_EQ(exits.size(), kCrowd);
    for (const Exit& exit : exits) {
        EXPECT_EQ(exit.signal, SIGTERM);
        expect_times(exit);
    }
    for (const Reap& reap : observer_->log().reaps_of_children(born)) {
        EXPECT_TRUE(reap.reap);
    }
    EXPECT_EQ(zombies(), 0U);
}

// A candidate whose end we missed, and a successor whose birth we missed: only the identity tells them apart.
TEST_P(Watched, RecycledNumberIsRefused) {
    observe(100 * kMillisecond, 1 << 20);
    observer_->log().pause_at([parent = ::getpid()](const Event& event) {
        const Exec* exec = std::get_if<Exec>(&event);
        return exec != nullptr && exec->process.ppid == static_cast<std::uint32_t>(parent);
    });
    const Instant before = monotonic_now();
    Process& first = start_ready({"sleep"});
    must(observer_->log().await_pause()); // a candidate now, not due yet
    EXPECT_TRUE(eventually([&] {
        EXPECT_EQ(must(scene_.start({"storm", "2000"}).wait()), EXIT_SUCCESS);
        const KernelCounts counts = observer_->status().kernel;
        return counts.forks_dropped > 0 && counts.exits_spilled > 0;
    }));
    must(first.kill(SIGKILL));
    must(first.wait());
    const NumberedChild second = start_numbered(first.pid());

    observer_->log().resume();
    EXPECT_TRUE(eventually([&] { return refused(WatchRefusal::recycled) == 1; }));
    EXPECT_EQ(watches(WatchState::alive), 0U);
    EXPECT_TRUE(observer_->log().exits_of({first.pid(), before}).empty()) << "its record was not lost";
}

TEST_P(Watched, SuccessorWithTheSameNumber) {
    if (!tells_reap()) {
        GTEST_SKIP() << kNoReap;
    }
    observe(kYoung);
    const Instant before = monotonic_now();
    Process& first = start_ready({"sleep"});
    await_state(WatchState::alive, 1);
    must(first.kill(SIGKILL));
    must(first.wait());
    const Instant between = monotonic_now();
    NumberedChild second = start_numbered(first.pid());
    const Reap first_reap = must(observer_->log().await_reap({first.pid(), before}));
    await_state(WatchState::alive, 1);
    second.kill_and_reap();
    const Reap second_reap = must(observer_->log().await_reap({first.pid(), between}));
    must(observer_->settle());

    EXPECT_LT(first_reap.process.start, between);
    EXPECT_GE(second_reap.process.start, between);
    for (const Born born : {Born{first.pid(), before}, Born{first.pid(), between}}) {
        const std::vector<Exit> exits = observer_->log().exits_of(born);
        ASSERT_EQ(exits.size(), 1U);
        expect_times(exits.front());
        EXPECT_EQ(observer_->log().reaps_of(born).size(), 1U);
    }
    EXPECT_EQ(refused(WatchRefusal::recycled), 0U);
}

INSTANTIATE_TEST_SUITE_P(Backends, Watched, both_backends(), backend_name);

} // namespace
} // namespace knell::test

#include "agent/attribution/proc_cgroup.hpp"
#include "agent/base/file.hpp"
#include "tests/bpf/acts.hpp"
#include "tests/bpf/observer_under_test.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

// Every way to die, with real processes against the real programs: each is told exactly once, and explained right.

namespace knell::test {
namespace {

constexpr int exited(int code) {
    return code << 8;
}
constexpr int kCoreDumped = 0x80;

using By = KillerClass;

// Whom the event names as the killer.
enum class Blame { nobody, victim, test, helper };

struct Row {
    std::string name;
    Act act;
    Reason reason;
    int status; // wait status
    std::optional<KillerClass> killer{};
    Blame blame = Blame::nobody;
    int preceded_by = 0;
    std::optional<OomScope> oom_scope{};
};

void PrintTo(const Row& row, std::ostream* out) {
    *out << row.name;
}

std::vector<Row> normal_exits() {
    using enum Reason;
    return {
        {"exit_0", ends({"exit", "0"}), success, exited(0)},
        {"exit_7", ends({"exit", "7"}), error, exited(7)},
        {"exit_of_the_only_thread", ends({"sys-exit", "6"}), error, exited(6)},
        {"exit_group_by_a_thread", ends({"thread-exit-group", "77"}), error, exited(77)},
        {"leader_thread_leaves_first", ends({"leader-first", "5", "9"}), error, exited(9)}, // the leader's 5 before 6.1
        {"two_threads_leave_at_once", ends({"double-exit", "3"}), error, exited(3)},
        {"exec_by_a_thread", executed_by_a_thread, error, exited(8)},
        {"vfork_child", child_ends({"vfork-child", "4"}), error, exited(4)},
        {"reaped_by_the_kernel", child_ends({"autoreap", "5"}), error, exited(5)},
        {"init_of_a_pid_namespace", child_ends({"pidns-init", "3"}), error, exited(3)},
        {"other_user", other_user_ends, success, exited(0)},
        {"sigterm_handled_then_0", killed({"term-graceful", "0"}, {SIGTERM}), success, exited(0), {}, {}, SIGTERM},
        {"sigterm_handled_then_3", killed({"term-graceful", "3"}, {SIGTERM}), error, exited(3), {}, {}, SIGTERM},
    };
}

std::vector<Row> signals_by_others() {
    using enum Reason;
    const Act sleeper_gets_core_signal = killed({"sleep"}, {SIGSEGV});
    return {
        {"sigkill_by_parent", killed({"sleep"}, {SIGKILL}), signal, SIGKILL, By::parent, Blame::test},
        {"sigterm_by_parent", killed({"sleep"}, {SIGTERM}), signal, SIGTERM, By::parent, Blame::test},
        {"sighup_by_parent", killed({"sleep"}, {SIGHUP}), signal, SIGHUP, By::parent, Blame::test},
        {"real_time_signal_by_parent", killed({"sleep"}, {40}), signal, 40, By::parent, Blame::test},
        {"sigquit_by_parent", killed({"sleep"}, {SIGQUIT}), signal, SIGQUIT, By::parent, Blame::test},
        {"sigsegv_by_parent", sleeper_gets_core_signal, signal, SIGSEGV, By::parent, Blame::test},
        {"hostile_name", renamed_killed, signal, SIGKILL, By::parent, Blame::test},
        {"stopped_then_killed", killed({"sleep"}, {SIGSTOP, SIGKILL}), signal, SIGKILL, By::parent, Blame::test},
        {"blocked_then_unblocked", killed({"block-term-then-unblock"}, {SIGTERM}), signal, SIGTERM, By::parent,
         Blame::test},
        {"sigterm_ignored_then_killed", killed({"term-ignore"}, {SIGTERM, SIGKILL}), signal, SIGKILL, By::parent,
         Blame::test, SIGTERM},
        {"process_group_by_parent", process_group_killed, signal, SIGKILL, By::parent, Blame::test},
        {"process_group_by_sibling", process_group_killed_by_sibling, signal, SIGTERM, By::host, Blame::helper},
        {"sigkill_by_sibling", killed_by_sibling("KILL", "kill"), signal, SIGKILL, By::host, Blame::helper},
        {"sigterm_by_sibling", killed_by_sibling("TERM", "kill"), signal, SIGTERM, By::host, Blame::helper},
        {"tgkill_by_sibling", killed_by_sibling("TERM", "tgkill"), signal, SIGTERM, By::host, Blame::helper},
        {"sigqueue_by_sibling", killed_by_sibling("USR1", "sigqueue"), signal, SIGUSR1, By::host, Blame::helper},
        {"pidfd_send_signal_by_sibling", killed_by_sibling("KILL", "pidfd"), signal, SIGKILL, By::host, Blame::helper},
        {"sigkill_by_child", killed_by_its_child, signal, SIGKILL, By::child, Blame::helper},
        {"namespace_init_stopped", namespace_init_stopped, signal, SIGKILL, By::host, Blame::test, SIGTERM},
    };
}

std::vector<Row> own_doing() {
    using enum Reason;
    return {
        {"kill_itself", ends({"kill-self", "KILL"}), signal, SIGKILL, By::self, Blame::victim},
        {"raise", ends({"raise", "USR1"}), signal, SIGUSR1, By::self, Blame::victim},
        {"pipe_without_reader", ends({"pipe"}), signal, SIGPIPE, By::self, Blame::victim},
        {"file_size_limit", ends({"xfsz"}), signal, SIGXFSZ, By::self, Blame::victim},
        {"abort", ends({"abort"}), crash, SIGABRT, By::self, Blame::victim},
        {"raise_sigsys", ends({"raise", "SYS"}), crash, SIGSYS, By::self, Blame::victim},
        {"segmentation_fault", ends({"segv"}), crash, SIGSEGV, By::self, Blame::victim},
        {"segmentation_fault_in_a_thread", ends({"segv-thread"}), crash, SIGSEGV, By::self, Blame::victim},
        {"segmentation_fault_with_core", core_dumped, crash, SIGSEGV | kCoreDumped, By::self, Blame::victim},
        {"bus_error", ends({"bus"}), crash, SIGBUS, By::self, Blame::victim},
        {"division_by_zero", ends({"fpe"}), crash, SIGFPE, By::self, Blame::victim},
        {"illegal_instruction", ends({"ill"}), crash, SIGILL, By::self, Blame::victim},
        {"breakpoint", ends({"trap"}), crash, SIGTRAP, By::self, Blame::victim},
    };
}

std::vector<Row> kernels_doing() {
    using enum Reason;
    return {
        {"alarm", ends({"alarm"}), signal, SIGALRM, By::kernel},
        {"posix_timer", ends({"timer"}), signal, SIGUSR1, By::kernel},
        {"cpu_time_limit", ends({"xcpu"}), signal, SIGXCPU, By::kernel},
        {"seccomp_kill_process", ends({"sigsys-seccomp"}), seccomp, SIGSYS, By::kernel},
        {"seccomp_kill_thread", ends({"sigsys-seccomp-thread"}), seccomp, SIGSYS, By::kernel},
        // do_exit(SIGKILL) in __secure_computing_strict(): there is no signal.
        {"seccomp_strict", ends({"seccomp-strict"}), signal, SIGKILL, By::unknown},
        {"oom_in_a_memory_cgroup", out_of_memory, oom_kill, SIGKILL, By::kernel, Blame::nobody, 0, OomScope::memcg},
        {"cgroup_kill", cgroup_killed, cgroup_kill, SIGKILL, By::parent, Blame::test},
        {"pid_namespace_ends", namespace_ends, pidns_teardown, SIGKILL, By::kernel, Blame::helper},
        {"parent_death_sigkill", orphaned("KILL"), parent_death, SIGKILL, By::parent, Blame::helper},
        {"parent_death_sigusr1", orphaned("USR1"), parent_death, SIGUSR1, By::parent, Blame::helper},
    };
}

// How a death reaches us: from the ring alone, or joined with what the pidfd tells, which either loop waits for.
struct Route {
    std::string name;
    BackendChoice backend;
    Nanoseconds min_age;
};

void PrintTo(const Route& route, std::ostream* out) {
    *out << route.name;
}

const std::array kRoutes = {
    Route{"unwatched", BackendChoice::automatic, 3600 * kSecond},
    Route{"io_uring", BackendChoice::io_uring, 0},
    Route{"epoll", BackendChoice::epoll, 0},
};

std::string own_cgroup() {
    const Result<std::string> text = read_small_file(AT_FDCWD, "/proc/self/cgroup", 64 << 10);
    return text ? path_from_proc_cgroup(*text).value_or("") : "";
}

std::string own_comm() {
    std::array<char, 16> comm{};
    ::prctl(PR_GET_NAME, comm.data()); // gtest runs on the main thread
    return comm.data();
}

void expect_killer(const Exit& exit, const Row& row, const Victim& victim) {
    ASSERT_EQ(exit.killer.has_value(), row.killer.has_value());
    if (!exit.killer) {
        return;
    }
    EXPECT_EQ(name(exit.killer->kind), name(*row.killer));
    EXPECT_EQ(exit.killer->pid.has_value(), row.blame != Blame::nobody);
    const pid_t blamed = row.blame == Blame::victim ? victim.pid
                         : row.blame == Blame::test ? ::getpid()
                                                    : victim.helper;
    if (row.blame != Blame::nobody) {
        EXPECT_EQ(exit.killer->pid, static_cast<std::uint32_t>(blamed));
        EXPECT_EQ(exit.killer->uid, 0U);
        EXPECT_EQ(exit.killer->comm, row.blame == Blame::test ? own_comm() : "die");
    }
}

void expect_cause(const Exit& exit, const Row& row) {
    EXPECT_EQ(name(exit.reason), name(row.reason));
    EXPECT_EQ(exit.exit_code, WIFEXITED(row.status) ? std::optional(WEXITSTATUS(row.status)) : std::nullopt);
    EXPECT_EQ(exit.signal, WIFSIGNALED(row.status) ? WTERMSIG(row.status) : 0);
    EXPECT_EQ(exit.core_dumped, (row.status & kCoreDumped) != 0);
    EXPECT_EQ(exit.preceded_by, row.preceded_by);
    EXPECT_EQ(exit.since_stop_request.has_value(), row.preceded_by != 0 || exit.signal == SIGTERM);
    EXPECT_EQ(exit.oom_scope, row.oom_scope);
    EXPECT_FALSE(exit.spilled);
}

void expect_identity(const Exit& exit, const Victim& victim, Instant before) {
    EXPECT_EQ(exit.process.pid, static_cast<std::uint32_t>(victim.pid));
    EXPECT_EQ(exit.process.ppid, static_cast<std::uint32_t>(victim.ppid));
    EXPECT_EQ(exit.process.uid, victim.uid);
    EXPECT_EQ(exit.process.comm, victim.comm);
    ASSERT_NE(exit.process.place, nullptr);
    EXPECT_EQ(exit.process.place->cgroup, victim.cgroup.empty() ? own_cgroup() : victim.cgroup);
    EXPECT_GE(exit.process.start, before);
    EXPECT_GT(exit.time, exit.process.start);
    EXPECT_LE(exit.time, monotonic_now());
}

class Battery : public testing::TestWithParam<std::tuple<Route, Row>> {
  protected:
    void SetUp() override {
        if (const auto why = why_not_here()) {
            GTEST_SKIP() << *why;
        }
        const Route& route = std::get<0>(GetParam());
        ObserverOptions options;
        options.pool.min_age = route.min_age;
        observer_ = must(ObserverUnderTest::start(options, route.backend));
    }

    std::unique_ptr<ObserverUnderTest> observer_;
};

TEST_P(Battery, IsToldOnceAndExplained) {
    const Row& row = std::get<1>(GetParam());
    Scene scene;
    const Instant before = monotonic_now();
    const Victim victim = row.act(scene);
    const Born born{victim.pid, before};

    const Exit exit = must(observer_->log().await_exit(born));
    expect_cause(exit, row);
    expect_killer(exit, row, victim);
    expect_identity(exit, victim, before);
    if (victim.reapable()) {
        EXPECT_EQ(victim.reap(), row.status) << "the parent saw another status";
    }

    must(observer_->settle());
    EXPECT_EQ(observer_->log().exits_of(born).size(), 1U);
}

std::string test_name(const testing::TestParamInfo<std::tuple<Route, Row>>& info) {
    return std::get<1>(info.param).name + "_" + std::get<0>(info.param).name;
}

auto on_each_route(const std::vector<Row>& rows) {
    return testing::Combine(testing::ValuesIn(kRoutes), testing::ValuesIn(rows));
}

INSTANTIATE_TEST_SUITE_P(NormalExits, Battery, on_each_route(normal_exits()), test_name);
INSTANTIATE_TEST_SUITE_P(SignalsByOthers, Battery, on_each_route(signals_by_others()), test_name);
INSTANTIATE_TEST_SUITE_P(OwnDoing, Battery, on_each_route(own_doing()), test_name);
INSTANTIATE_TEST_SUITE_P(KernelsDoing, Battery, on_each_route(kernels_doing()), test_name);

} // namespace
} // namespace knell::test

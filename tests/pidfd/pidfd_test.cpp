#include "agent/pidfd/pidfd.hpp"

#include "agent/base/file.hpp"
#include "agent/pidfd/problem.hpp"
#include "agent/pidfd/proc_fields.hpp"
#include "tests/pidfd/child.hpp"
#include "tests/pidfd/kernel_age.hpp"
#include "tests/support/children.hpp"
#include "tests/support/clone.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <thread>

namespace knell::test {
namespace {

// --- send_signal ---

class PidfdSignal : public OnKernelAge {};
INSTANTIATE_TEST_SUITE_P(Kernels, PidfdSignal, testing::Values(kNewest, kBeforePidfs), age_name);

// pidfd_test: send_signal_simple.
TEST_P(PidfdSignal, Simple) {
    const Child child(sleep_for_ever);
    const Pidfd pidfd = child.open();
    EXPECT_TRUE(pidfd.send_signal(0));
    for (const int no_signal : {-1, SIGRTMAX + 1}) {
        const auto sent = pidfd.send_signal(no_signal);
        ASSERT_FALSE(sent);
        EXPECT_EQ(sent.error().errno_value, EINVAL);
        EXPECT_NE(sent.error().message.find("no such signal"), std::string::npos) << sent.error().message;
    }
    ASSERT_TRUE(pidfd.send_signal(SIGTERM));
    EXPECT_EQ(WTERMSIG(child.reap()), SIGTERM);
}

// pidfd_test: send_signal_exited.
TEST_P(PidfdSignal, Exited) {
    const Child child([](const Line&) { return 0; });
    const Pidfd pidfd = child.open();
    child.await_death();
    EXPECT_TRUE(pidfd.send_signal(SIGTERM)) << "a zombie takes signals, to no effect";
    (void)child.reap();
    EXPECT_EQ(problem_of(pidfd.send_signal(0).error()), Problem::gone);
}

// pidfd_test: send_signal_recycled_pid. The newcomer with the number must not be hit.
TEST_P(PidfdSignal, RecycledNumber) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "needs root: chooses a number";
    }
    const Child child([](const Line&) { return 0; });
    const Pidfd pidfd = child.open();
    (void)child.reap();
    const auto newcomer = clone_process({.cgroup = {}, .pid = child.pid()});
    if (newcomer && *newcomer == 0) {
        for (;;) {
            ::pause();
        }
    }
    // EEXIST: somebody else was faster, and is the newcomer now.
    ASSERT_TRUE(newcomer || newcomer.error().errno_value == EEXIST) << newcomer.error().message;
    EXPECT_EQ(problem_of(pidfd.send_signal(SIGKILL).error()), Problem::gone);
    const Pidfd other = value_of(Pidfd::open(child.pid()));
    EXPECT_EQ(value_of(other.poll(ProcessState::zombie, 0)), ProcessState::running);
    EXPECT_FALSE(pidfd == other);
    if (newcomer) {
        EXPECT_TRUE(other.send_signal(SIGKILL));
        EXPECT_EQ(value_of(other.wait()), SIGKILL);
    }
}

TEST_P(PidfdSignal, TakesTheRight) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "needs root: asks as another user";
    }
    const Child child(sleep_for_ever);
    const Pidfd pidfd = child.open();
    const int answer = ask_as_nobody([&pidfd] {
        const auto sent = pidfd.send_signal(0);
        return sent ? 0 : sent.error().errno_value;
    });
    EXPECT_EQ(answer, EPERM);
}

TEST_P(PidfdSignal, DoesNotLeaveThePidNamespace) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "needs root: makes a pid namespace";
    }
    const Pidfd outside = value_of(Pidfd::self());
    const int answer = ask_in_new_pid_namespace([&outside] {
        const auto sent = outside.send_signal(0);
        return sent ? 0 : sent.error().errno_value;
    });
    EXPECT_EQ(answer, EREMOTE); // foreign_namespace
}

bool pending(pid_t pid, pid_t tid, const char* set, int signal) {
    const std::string path = "/proc/" + std::to_string(pid) + "/task/" + std::to_string(tid) + "/status";
    const std::string text = value_of(read_small_file(AT_FDCWD, path.c_str(), 1 << 20));
    const std::size_t at = text.find(std::string("\n") + set + ":\t");
    const std::uint64_t mask = std::stoull(text.substr(at + std::string_view(set).size() + 3), nullptr, 16);
    return (mask >> (signal - 1) & 1) != 0;
}

// Two threads that block everything, the second of which tells its number.
int block_in_two_threads(const Line& line) {
    sigset_t all{};
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
    std::thread([&line] {
        line.tell(own_tid());
        (void)line.hear();
    }).detach();
    return sleep_for_ever(line);
}

TEST_P(PidfdSignal, Scopes) {
    const Child child(block_in_two_threads);
    const auto words = {child.line().hear(), child.line().hear()}; // the number, and the first thread's 0
    const auto tid = static_cast<pid_t>(std::max(words));
    const Pidfd process = child.open();
    if (!available(PidfdFeature::signal_scopes)) {
        for (const auto scope : {SignalScope::thread, SignalScope::process, SignalScope::process_group}) {
            EXPECT_EQ(problem_of(process.send_signal(0, scope).error()), Problem::kernel_too_old);
        }
        return;
    }
    const Pidfd thread = value_of(Pidfd::open_thread(tid));
    struct Row {
        const Pidfd& pidfd;
        SignalScope scope;
        bool to_first, to_second, to_process;
    };
    const Row rows[] = {
        {process, SignalScope::as_opened, false, false, true}, {process, SignalScope::thread, true, false, false},
        {process, SignalScope::process, false, false, true},   {thread, SignalScope::as_opened, false, true, false},
        {thread, SignalScope::thread, false, true, false},     {thread, SignalScope::process, false, false, true},
    };
    int signal = SIGRTMIN; // another one for each row: they stay pending
    for (const Row& row : rows) {
        ASSERT_TRUE(row.pidfd.send_signal(signal, row.scope));
        const std::ptrdiff_t at = &row - rows;
        EXPECT_EQ(pending(child.pid(), child.pid(), "SigPnd", signal), row.to_first) << at;
        EXPECT_EQ(pending(child.pid(), tid, "SigPnd", signal), row.to_second) << at;
        EXPECT_EQ(pending(child.pid(), tid, "ShdPnd", signal), row.to_process) << at;
        ++signal;
    }
}

TEST(PidfdSignalScope, GroupOutlivesItsLeader) {
    if (!available(PidfdFeature::signal_scopes)) {
        GTEST_SKIP() << "scopes need Linux 6.9";
    }
    const Child no_leader(sleep_for_ever);
    EXPECT_EQ(problem_of(no_leader.open().send_signal(0, SignalScope::process_group).error()), Problem::gone);

    const Child leader([](const Line& line) {
        ::setpgid(0, 0);
        line.tell();
        return static_cast<int>(line.hear());
    });
    (void)leader.line().hear();
    const Child member([&leader](const Line& line) {
        ::setpgid(0, leader.pid());
        return sleep_for_ever(line);
    });
    (void)member.line().hear();
    const Pidfd pidfd = leader.open();
    leader.line().tell();
    (void)leader.reap();
    EXPECT_EQ(problem_of(pidfd.send_signal(SIGTERM).error()), Problem::gone);
    ASSERT_TRUE(pidfd.send_signal(SIGTERM, SignalScope::process_group));
    EXPECT_EQ(WTERMSIG(member.reap()), SIGTERM);
    EXPECT_EQ(problem_of(pidfd.send_signal(SIGTERM, SignalScope::process_group).error()), Problem::gone);
}

// --- Identity ---

class PidfdIdentity : public OnKernelAge {};
INSTANTIATE_TEST_SUITE_P(Kernels, PidfdIdentity, testing::Values(kNewest, kBeforePidfs), age_name);

TEST_P(PidfdIdentity, InodeIsTheProcess) {
    const Child one(sleep_for_ever);
    const Child other(sleep_for_ever);
    const Pidfd first = one.open();
    const Pidfd again = one.open();
    const Pidfd stranger = other.open();
    const std::uint64_t inode = value_of(first.inode());
    if (!available(PidfdFeature::pidfs)) {
        EXPECT_EQ(inode, 0U);
        return;
    }
    EXPECT_NE(inode, 0U);
    EXPECT_EQ(inode, value_of(again.inode()));
    EXPECT_NE(inode, value_of(stranger.inode()));
    one.kill(SIGKILL);
    (void)one.reap();
    EXPECT_EQ(inode, value_of(first.inode())) << "the inode outlives the process";
}

TEST_P(PidfdIdentity, Equality) {
    const Child one(sleep_for_ever);
    const Child other(sleep_for_ever);
    const Pidfd first = one.open();
    const Pidfd again = one.open();
    EXPECT_TRUE(first == again);
    EXPECT_FALSE(first == other.open());
    one.kill(SIGKILL);
    one.await_death();
    EXPECT_TRUE(first == again) << "zombies are told apart like the living";
    (void)one.reap();
    EXPECT_EQ(first == again, available(PidfdFeature::pidfs));
    EXPECT_FALSE(first == other.open());
}

TEST(PidfdThread, TheFirstOneIsTheProcess) {
    if (!available(PidfdFeature::thread_pidfds)) {
        GTEST_SKIP() << "pidfds of threads need Linux 6.9";
    }
    const Child child(leave_leader_first(0));
    const auto tid = static_cast<pid_t>(child.line().hear());
    const Pidfd process = child.open();
    EXPECT_TRUE(process == value_of(Pidfd::open_thread(child.pid())));
    EXPECT_FALSE(process == value_of(Pidfd::open_thread(tid)));
}

} // namespace
} // namespace knell::test

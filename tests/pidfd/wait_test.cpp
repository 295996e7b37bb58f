#include "agent/pidfd/pidfd.hpp"

#include "agent/pidfd/clone3.hpp"
#include "tests/pidfd/child.hpp"
#include "tests/pidfd/kernel_age.hpp"
#include "tests/support/children.hpp"
#include "tests/support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <linux/sched.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace knell::test {
namespace {

constexpr unsigned kPidfdNonblock = O_NONBLOCK; // PIDFD_NONBLOCK, 5.10

class PidfdWait : public OnKernelAge {};
INSTANTIATE_TEST_SUITE_P(Kernels, PidfdWait, testing::Values(kNewest, kBeforePidfs), age_name);

// pidfd_wait: wait_simple.
TEST_P(PidfdWait, Simple) {
    struct Row {
        int code; // or
        int signal;
    };
    for (const auto& [code, signal] : {Row{0, 0}, Row{3, 0}, Row{255, 0}, Row{0, SIGKILL}, Row{0, SIGTERM}}) {
        const Child child([code, signal](const Line&) {
            if (signal != 0) {
                ::raise(signal);
            }
            return code;
        });
        const Pidfd pidfd = child.open();
        EXPECT_EQ(value_of(pidfd.wait()), signal != 0 ? signal : code << 8);
        const auto again = pidfd.wait();
        ASSERT_FALSE(again);
        EXPECT_EQ(again.error().errno_value, ECHILD) << again.error().message;
    }
}

// Whether a core is written depends on the machine: the status has to say it as wait4() does.
TEST_P(PidfdWait, StatusIsThatOfWait4) {
    const TempDir directories[] = {value_of(TempDir::create()), value_of(TempDir::create())};
    const Child one([&](const Line&) { return execute_die({"coredump", directories[0].path()}); });
    const Child other([&](const Line&) { return execute_die({"coredump", directories[1].path()}); });
    const auto status = value_of(one.open().wait());
    ASSERT_TRUE(status);
    EXPECT_EQ(*status, other.reap());
    EXPECT_EQ(WTERMSIG(*status), SIGSEGV);
}

// pidfd_wait: wait_states. Stops and continuations are no end.
TEST_P(PidfdWait, States) {
    const Child child(sleep_for_ever);
    const Pidfd pidfd = child.open();
    (void)child.line().hear();
    siginfo_t info{};
    child.kill(SIGSTOP);
    ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child.pid()), &info, WSTOPPED), 0);
    EXPECT_EQ(value_of(pidfd.wait(0)), std::nullopt);
    child.kill(SIGCONT);
    ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child.pid()), &info, WCONTINUED), 0);
    EXPECT_EQ(value_of(pidfd.wait(0)), std::nullopt);
    child.kill(SIGKILL);
    EXPECT_EQ(value_of(pidfd.wait()), SIGKILL);
}

// pidfd_wait: wait_nonblock. The kernel answers EAGAIN where one waits by such a pidfd; the library waits all the same.
TEST_P(PidfdWait, Nonblock) {
    const Child child([](const Line& line) { return static_cast<int>(line.hear()); });
    const Pidfd pidfd =
        value_of(Pidfd::adopt(Fd(static_cast<int>(::syscall(SYS_pidfd_open, child.pid(), kPidfdNonblock)))));
    siginfo_t info{};
    ASSERT_EQ(::waitid(P_PIDFD, static_cast<id_t>(pidfd.fd()), &info, WEXITED), -1);
    ASSERT_EQ(errno, EAGAIN);
    EXPECT_EQ(value_of(pidfd.wait(0)), std::nullopt);
    child.line().tell(3);
    EXPECT_EQ(value_of(pidfd.wait()), 3 << 8);
}

TEST_P(PidfdWait, PatienceEnds) {
    const Child child(sleep_for_ever);
    const Pidfd pidfd = child.open();
    constexpr Nanoseconds kShort = 20 * kMillisecond;
    const Instant start = monotonic_now();
    EXPECT_EQ(value_of(pidfd.wait(kShort)), std::nullopt);
    EXPECT_GE(elapsed(start, monotonic_now()), kShort);
    child.kill(SIGKILL);
    EXPECT_EQ(value_of(pidfd.wait(kPatienceNs)), SIGKILL);
}

TEST_P(PidfdWait, OnlyForChildren) {
    for (const pid_t pid : {::getpid(), ::getppid()}) {
        const auto status = value_of(Pidfd::open(pid)).wait();
        ASSERT_FALSE(status);
        EXPECT_EQ(status.error().errno_value, ECHILD) << status.error().message;
    }
}

TEST_P(PidfdWait, ForChildrenWithoutAnExitSignal) {
    Cloned child = value_of(clone3(CLONE_PIDFD));
    if (child.pid == 0) {
        ::_exit(4);
    }
    EXPECT_EQ(value_of(value_of(Pidfd::adopt(std::move(child.pidfd))).wait()), 4 << 8);
}

// A dead child of ours that another process traces is that one's first: readable, and yet not to be reaped.
TEST_P(PidfdWait, UntilATracerLetsGo) {
    const Child child(sleep_for_ever);
    (void)child.line().hear();
    const Child tracer([&child](const Line& line) {
        if (::ptrace(PTRACE_SEIZE, child.pid(), nullptr, nullptr) != 0) {
            return 1;
        }
        line.tell();
        (void)line.hear(); // its end is what lets go
        return 0;
    });
    (void)tracer.line().hear();
    const Pidfd pidfd = child.open();
    child.kill(SIGKILL);
    EXPECT_EQ(value_of(pidfd.poll(ProcessState::zombie, kPatienceNs)), ProcessState::zombie);
    EXPECT_EQ(value_of(pidfd.wait(10 * kMillisecond)), std::nullopt);
    tracer.line().tell();
    EXPECT_EQ(value_of(pidfd.wait(kPatienceNs)), SIGKILL);
}

} // namespace
} // namespace knell::test

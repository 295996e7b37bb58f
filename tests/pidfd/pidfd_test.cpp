#include "agent/pidfd/features.hpp"
#include "agent/pidfd/pidfd.hpp"

#include "agent/base/file.hpp"
#include "tests/support/children.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <latch>
#include <thread>

namespace knell::test {
namespace {

// A pid that no process has: one above the largest that the kernel hands out.
pid_t impossible_pid() {
    return static_cast<pid_t>(std::stol(value_of(read_small_file(AT_FDCWD, "/proc/sys/kernel/pid_max", 64)))) + 1;
}

TEST(Pidfd, OpensCloseOnExec) {
    const Process child = start_sleeper();
    const auto pidfd = Pidfd::open(child.pid());
    ASSERT_TRUE(pidfd) << pidfd.error().message;
    EXPECT_NE(::fcntl(pidfd->fd(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(Pidfd, OpenNamesTheProcessItCouldNotOpen) {
    const pid_t pid = impossible_pid();
    const auto pidfd = Pidfd::open(pid);
    ASSERT_FALSE(pidfd);
    EXPECT_EQ(pidfd.error().errno_value, ESRCH);
    EXPECT_NE(pidfd.error().message.find(std::to_string(pid)), std::string::npos) << pidfd.error().message;
    EXPECT_EQ(Pidfd::open(-1).error().errno_value, EINVAL);
}

TEST(Pidfd, OpenRefusesTheNumberOfAThread) {
    std::latch known(1);
    std::latch done(1);
    pid_t tid = 0;
    std::jthread thread([&] {
        tid = static_cast<pid_t>(::syscall(SYS_gettid));
        known.count_down();
        done.wait();
    });
    known.wait();
    const auto pidfd = Pidfd::open(tid);
    done.count_down();
    ASSERT_FALSE(pidfd);
    EXPECT_TRUE(pidfd.error().errno_value == EINVAL || pidfd.error().errno_value == ENOENT) << pidfd.error().message;
}

TEST(Pidfd, OpensAZombieButNotAReapedProcess) {
    Process child = start_zombie();
    EXPECT_TRUE(Pidfd::open(child.pid()));
    (void)value_of(child.wait());
    EXPECT_EQ(Pidfd::open(child.pid()).error().errno_value, ESRCH);
}

TEST(Pidfd, InodeIsTheIdentityOfAProcess) {
    const Process one = start_sleeper();
    const Process other = start_sleeper();
    const Pidfd first = value_of(Pidfd::open(one.pid()));
    const Pidfd again = value_of(Pidfd::open(one.pid()));
    const Pidfd stranger = value_of(Pidfd::open(other.pid()));
    if (!available(PidfdFeature::pidfs)) {
        EXPECT_EQ(value_of(first.inode()), 0U);
        GTEST_SKIP() << "pidfds have no inode of their own before Linux 6.9";
    }
    EXPECT_NE(value_of(first.inode()), 0U);
    EXPECT_EQ(value_of(first.inode()), value_of(again.inode()));
    EXPECT_NE(value_of(first.inode()), value_of(stranger.inode()));
}

TEST(Pidfd, InodeOutlivesTheProcess) {
    if (!available(PidfdFeature::pidfs)) {
        GTEST_SKIP() << "pidfds have no inode of their own before Linux 6.9";
    }
    Process child = start_sleeper();
    const Pidfd pidfd = value_of(Pidfd::open(child.pid()));
    const std::uint64_t inode = value_of(pidfd.inode());
    ASSERT_TRUE(child.kill(SIGKILL));
    (void)value_of(child.wait());
    EXPECT_EQ(value_of(pidfd.inode()), inode);
}

TEST(Pidfd, ExitStatusIsKnownOnceReaped) {
    struct Row {
        std::vector<std::string> way;
        bool (*expected)(int status);
    };
    const Row rows[] = {
        {{"exit", "3"}, [](int status) { return WIFEXITED(status) && WEXITSTATUS(status) == 3; }},
        {{"exit", "0"}, [](int status) { return status == 0; }},
        {{"kill-self", "9"}, [](int status) { return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL; }},
    };
    for (const Row& row : rows) {
        Process child = start_die(row.way);
        const Pidfd pidfd = value_of(Pidfd::open(child.pid()));
        await_zombie(child.pid());
        EXPECT_EQ(pidfd.exit_status(), std::nullopt) << "a zombie's status is its parent's until it is reaped";
        const int status = value_of(child.wait());
        EXPECT_TRUE(row.expected(status)) << row.way[0] << ": " << status;
        const auto seen = pidfd.exit_status();
        if (!seen) {
            GTEST_SKIP() << "this kernel does not tell the status of a reaped process (PIDFD_INFO_EXIT, Linux 6.15)";
        }
        EXPECT_EQ(*seen, status) << row.way[0];
    }
}

TEST(Pidfd, ExitStatusOfALivingProcessIsNotKnown) {
    const Process child = start_sleeper();
    EXPECT_EQ(value_of(Pidfd::open(child.pid())).exit_status(), std::nullopt);
}

TEST(Pidfd, SendsSignalsUntilTheReap) {
    Process child = start_sleeper();
    const Pidfd pidfd = value_of(Pidfd::open(child.pid()));
    EXPECT_TRUE(pidfd.send_signal(0));
    EXPECT_EQ(pidfd.send_signal(-1).error().errno_value, EINVAL);
    ASSERT_TRUE(pidfd.send_signal(SIGKILL));
    await_zombie(child.pid());
    EXPECT_TRUE(pidfd.send_signal(SIGTERM)) << "a zombie takes signals, to no effect";
    EXPECT_EQ(WTERMSIG(value_of(child.wait())), SIGKILL);
    EXPECT_EQ(pidfd.send_signal(0).error().errno_value, ESRCH);
}

} // namespace
} // namespace knell::test

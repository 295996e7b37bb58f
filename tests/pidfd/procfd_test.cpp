#include "agent/pidfd/procfd.hpp"
#include "agent/pidfd/stat.hpp"

#include "tests/support/children.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <functional>

namespace knell::test {
namespace {

constexpr uid_t kNobody = 65534;

// What `question` answers when somebody else asks: in a child with neither root's user id nor capabilities.
int ask_as_nobody(const std::function<int()>& question) {
    const pid_t child = ::fork();
    if (child == 0) {
        const bool dropped = ::setgid(kNobody) == 0 && ::setuid(kNobody) == 0;
        ::_exit(dropped ? question() : 255);
    }
    return WEXITSTATUS(value_of(reap(child)));
}

TEST(Procfd, OpensOwnDirectory) {
    const auto directory = procfd::open(value_of(Pidfd::open(::getpid())));
    ASSERT_TRUE(directory) << directory.error().message;
    struct stat ours{};
    struct stat self{};
    ASSERT_EQ(::fstat(directory->get(), &ours), 0);
    ASSERT_EQ(::stat("/proc/self", &self), 0);
    EXPECT_EQ(ours.st_ino, self.st_ino);
    const auto stat = procfd::read_stat(*directory);
    ASSERT_TRUE(stat) << stat.error().message;
    EXPECT_EQ(stat->ppid, static_cast<std::uint32_t>(::getppid()));
}

TEST(Procfd, TellsAChild) {
    Process child = start_die({"rename", "a) R 1 ("});
    (void)value_of(child.read_after("ready"));
    const Fd directory = value_of(procfd::open(value_of(Pidfd::open(child.pid()))));
    const procfd::Stat stat = value_of(procfd::read_stat(directory));
    EXPECT_EQ(stat.comm, "a) R 1 (");
    EXPECT_EQ(stat.ppid, static_cast<std::uint32_t>(::getpid()));
    EXPECT_FALSE(stat.zombie());
    EXPECT_FALSE(stat.kernel_thread());
    EXPECT_GT(stat.start_ticks, 0U);
    EXPECT_EQ(procfd::read_exit_status(directory).error().errno_value, EAGAIN);
}

TEST(Procfd, TellsAZombieAndItsStatus) {
    struct Row {
        std::vector<std::string> way;
        int status;
    };
    for (const Row& row : {Row{{"exit", "3"}, 3 << 8}, Row{{"exit", "0"}, 0}, Row{{"kill-self", "9"}, SIGKILL}}) {
        const Process child = start_die(row.way);
        await_zombie(child.pid());
        const auto directory = procfd::open(value_of(Pidfd::open(child.pid())));
        ASSERT_TRUE(directory) << directory.error().message;
        const procfd::Stat stat = value_of(procfd::read_stat(*directory));
        EXPECT_EQ(stat.state, 'Z');
        EXPECT_EQ(stat.exit_status, row.status);
        EXPECT_EQ(value_of(procfd::read_exit_status(*directory)), row.status);
    }
}

TEST(Procfd, DirectoryDiesWithItsProcess) {
    Process child = start_sleeper();
    const Pidfd pidfd = value_of(Pidfd::open(child.pid()));
    const Fd directory = value_of(procfd::open(pidfd));
    EXPECT_TRUE(procfd::read_stat(directory));
    ASSERT_TRUE(pidfd.send_signal(SIGKILL));
    (void)value_of(child.wait());
    EXPECT_EQ(procfd::read_stat(directory).error().errno_value, ESRCH);
    EXPECT_EQ(procfd::read_exit_status(directory).error().errno_value, ESRCH);
    EXPECT_EQ(procfd::open(pidfd).error().errno_value, ESRCH);
}

// The kernel shows 0, which would pass for success, to those who may not trace the process.
TEST(Procfd, StatusOfAStrangersZombieIsRefused) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "needs root: asks as another user";
    }
    const Process child = start_zombie();
    EXPECT_EQ(value_of(procfd::read_exit_status(value_of(procfd::open(value_of(Pidfd::open(child.pid())))))), SIGKILL);
    const int answer = ask_as_nobody([&child] {
        const auto pidfd = Pidfd::open(child.pid());
        const auto directory = pidfd ? procfd::open(*pidfd) : std::unexpected(pidfd.error());
        const auto status = directory ? procfd::read_exit_status(*directory) : std::unexpected(directory.error());
        return status ? 0 : status.error().errno_value;
    });
    EXPECT_EQ(answer, EACCES);
}

TEST(Procfd, WhatIsNoPidfdIsRefused) {
    const Fd null_device(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    ASSERT_TRUE(null_device);
    Process child = start_sleeper();
    Pidfd pidfd = value_of(Pidfd::open(child.pid()));
    ASSERT_EQ(::dup3(null_device.get(), pidfd.fd(), O_CLOEXEC), pidfd.fd());
    EXPECT_EQ(procfd::open(pidfd).error().errno_value, ENOTTY);
}

} // namespace
} // namespace knell::test

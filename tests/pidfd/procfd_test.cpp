#include "agent/pidfd/procfd.hpp"

#include "agent/base/file.hpp"
#include "agent/pidfd/problem.hpp"
#include "agent/pidfd/stat.hpp"
#include "tests/pidfd/apart.hpp"
#include "tests/pidfd/child.hpp"
#include "tests/support/children.hpp"
#include "tests/support/clone.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <ostream>

// What a process's /proc directory is in each state of the process, by each way to a procfs.
namespace knell::test {
namespace {

struct Way {
    const char* name;
    Result<Fd> (*open)(const Pidfd&);
};

std::ostream& operator<<(std::ostream& out, const Way& way) {
    return out << way.name;
}

Result<Fd> open_by_root(const Pidfd& pidfd) {
    return procfd::open(Fd(::open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC)), pidfd);
}

Result<Fd> open_by_private_root(const Pidfd& pidfd) {
    return procfd::open(value_of(procfd::private_root()), pidfd);
}

class Procfd : public testing::TestWithParam<Way> {
  protected:
    static Result<Fd> open(const Pidfd& pidfd) { return GetParam().open(pidfd); }
    static Problem refusal(const Pidfd& pidfd) {
        const auto directory = open(pidfd);
        return directory ? Problem::other : problem_of(directory.error());
    }
};

INSTANTIATE_TEST_SUITE_P(Ways, Procfd,
                         testing::Values(Way{"at_proc", [](const Pidfd& pidfd) { return procfd::open(pidfd); }},
                                         Way{"by_root", open_by_root}, Way{"by_private_root", open_by_private_root}),
                         [](const testing::TestParamInfo<Way>& way) { return way.param.name; });

int errno_of_open(const Fd& directory, const char* name) {
    const Fd opened(::openat(directory.get(), name, O_RDONLY | O_CLOEXEC));
    return opened ? 0 : errno;
}

int errno_of_readlink(const Fd& directory, const char* name) {
    char target[64];
    return ::readlinkat(directory.get(), name, target, sizeof(target)) < 0 ? errno : 0;
}

std::string read_in(const Fd& directory, const char* name) {
    return value_of(read_small_file(directory.get(), name, std::size_t{1} << 20));
}

// pidfd_send_signal(2) takes /proc/PID directories too.
int errno_of_signal(const Fd& directory) {
    return ::syscall(SYS_pidfd_send_signal, directory.get(), 0, nullptr, 0) == 0 ? 0 : errno;
}

TEST_P(Procfd, AliveOwnDirectory) {
    const auto directory = open(value_of(Pidfd::self()));
    ASSERT_TRUE(directory) << directory.error().message;
    EXPECT_NE(::fcntl(directory->get(), F_GETFD) & FD_CLOEXEC, 0);
    const auto stat = procfd::read_stat(*directory);
    ASSERT_TRUE(stat) << stat.error().message;
    EXPECT_EQ(stat->ppid, static_cast<std::uint32_t>(::getppid()));
    EXPECT_TRUE(read_in(*directory, "status").find("\nPid:\t" + std::to_string(::getpid()) + "\n") !=
                std::string::npos);
}

TEST_P(Procfd, AliveChild) {
    Process child = start_die({"rename", "a) R 1 ("});
    (void)value_of(child.read_after("ready"));
    const Fd directory = value_of(open(value_of(Pidfd::open(child.pid()))));
    const procfd::Stat stat = value_of(procfd::read_stat(directory));
    EXPECT_EQ(stat.comm, "a) R 1 (");
    EXPECT_EQ(stat.ppid, static_cast<std::uint32_t>(::getpid()));
    EXPECT_FALSE(stat.zombie());
    EXPECT_FALSE(stat.kernel_thread());
    EXPECT_GT(stat.start_ticks, 0U);
    EXPECT_EQ(procfd::read_exit_status(directory).error().errno_value, EAGAIN);
    EXPECT_EQ(errno_of_readlink(directory, "exe"), 0);
}

TEST_P(Procfd, ZombieKeepsWhatItsNumberKeeps) {
    const Process child = start_zombie();
    const auto directory = open(value_of(Pidfd::open(child.pid())));
    ASSERT_TRUE(directory) << directory.error().message;
    EXPECT_TRUE(value_of(procfd::read_stat(*directory)).zombie());
    EXPECT_NE(read_in(*directory, "status").find("State:\tZ"), std::string::npos);
    EXPECT_EQ(read_in(*directory, "comm"), "die\n");
    EXPECT_EQ(read_in(*directory, "cmdline"), "");
    EXPECT_EQ(errno_of_readlink(*directory, "exe"), ENOENT);
    EXPECT_EQ(errno_of_readlink(*directory, "cwd"), ENOENT);
    EXPECT_EQ(errno_of_open(*directory, "ns/pid"), 0);
    EXPECT_EQ(errno_of_open(*directory, "ns/user"), 0);
    EXPECT_EQ(errno_of_open(*directory, "ns/mnt"), ENOENT);
    EXPECT_EQ(errno_of_open(*directory, ("task/" + std::to_string(child.pid())).c_str()), 0);
    EXPECT_EQ(errno_of_signal(*directory), 0);
    EXPECT_EQ(read_small_file(directory->get(), "environ", 4096).value_or(""), "") << "an error on newer kernels";
}

TEST_P(Procfd, ZombieTellsItsStatus) {
    struct Row {
        std::vector<std::string> way;
        int status;
    };
    for (const Row& row : {Row{{"exit", "3"}, 3 << 8}, Row{{"exit", "0"}, 0}, Row{{"kill-self", "9"}, SIGKILL}}) {
        const Process child = start_die(row.way);
        await_zombie(child.pid());
        const Fd directory = value_of(open(value_of(Pidfd::open(child.pid()))));
        const procfd::Stat stat = value_of(procfd::read_stat(directory));
        EXPECT_EQ(stat.state, 'Z');
        EXPECT_EQ(stat.exit_status, row.status);
        EXPECT_EQ(value_of(procfd::read_exit_status(directory)), row.status);
    }
}

TEST_P(Procfd, ReapedIsGoneAndSoIsAnOldDirectory) {
    Process child = start_sleeper();
    const Pidfd pidfd = value_of(Pidfd::open(child.pid()));
    const Fd directory = value_of(open(pidfd));
    const Fd stat_file(::openat(directory.get(), "stat", O_RDONLY | O_CLOEXEC));
    EXPECT_TRUE(procfd::read_stat(directory));
    ASSERT_TRUE(pidfd.send_signal(SIGKILL));
    (void)value_of(child.wait());

    EXPECT_EQ(refusal(pidfd), Problem::gone);
    EXPECT_EQ(procfd::read_stat(directory).error().errno_value, ESRCH);
    EXPECT_EQ(procfd::read_exit_status(directory).error().errno_value, ESRCH);
    EXPECT_EQ(errno_of_open(directory, "status"), ESRCH);
    EXPECT_EQ(errno_of_readlink(directory, "exe"), ESRCH);
    EXPECT_EQ(errno_of_signal(directory), ESRCH);
    char byte = 0;
    EXPECT_TRUE(::read(stat_file.get(), &byte, 1) < 0 && errno == ESRCH);
    struct stat info{};
    EXPECT_EQ(::fstat(directory.get(), &info), 0) << "the directory itself stays open";
}

// In a pid namespace of its own: there nobody else can take the number.
TEST_P(Procfd, RecycledNumberIsNotTheProcess) {
    check_in_new_pid_namespace([] {
        const Child child(sleep_for_ever);
        const Pidfd pidfd = child.open();
        const Fd directory = value_of(open(pidfd));
        child.kill(SIGKILL);
        (void)child.reap();

        const pid_t stranger = value_of(clone_process({.pid = child.pid()}));
        while (stranger == 0) {
            ::pause();
        }
        ASSERT_EQ(stranger, child.pid());
        EXPECT_TRUE(open(value_of(Pidfd::open(stranger))));
        EXPECT_EQ(refusal(pidfd), Problem::gone);
        EXPECT_EQ(procfd::read_stat(directory).error().errno_value, ESRCH);
        EXPECT_EQ(errno_of_open(directory, "status"), ESRCH);
        EXPECT_EQ(errno_of_signal(directory), ESRCH);
    });
}

TEST_P(Procfd, WhatIsNoPidfdIsRefused) {
    const Fd null_device(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    ASSERT_TRUE(null_device);
    const Pidfd pidfd = value_of(Pidfd::self());
    ASSERT_EQ(::dup3(null_device.get(), pidfd.fd(), O_CLOEXEC), pidfd.fd());
    EXPECT_EQ(refusal(pidfd), Problem::not_a_pidfd);
}

TEST_P(Procfd, LeavesNoDescriptorBehind) {
    const auto count = [] {
        const std::filesystem::directory_iterator descriptors("/proc/self/fd");
        return std::ranges::distance(descriptors);
    };
    Process child = start_sleeper();
    const Pidfd pidfd = value_of(Pidfd::open(child.pid()));
    const auto before = count();
    (void)value_of(open(pidfd));
    ASSERT_TRUE(pidfd.send_signal(SIGKILL));
    (void)value_of(child.wait());
    EXPECT_EQ(refusal(pidfd), Problem::gone);
    EXPECT_EQ(count(), before);
}

// The kernel shows 0, which would pass for success, to those who may not trace the process.
TEST(ProcfdStatus, OfAStrangersZombieIsRefused) {
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

TEST(ProcfdRoot, WhatIsNoRootOfAProcfsIsRefused) {
    const Pidfd self = value_of(Pidfd::self());
    for (const char* path : {"/", "/tmp", "/proc/self", "/proc/self/task", "/proc/sys", "/dev/null"}) {
        const Fd root(::open(path, O_RDONLY | O_CLOEXEC));
        const auto directory = procfd::open(root, self);
        ASSERT_FALSE(directory) << path;
        EXPECT_EQ(problem_of(directory.error()), Problem::no_procfs) << path << ": " << directory.error().message;
    }
    EXPECT_EQ(procfd::open(Fd(), self).error().errno_value, EBADF);
}

} // namespace
} // namespace knell::test

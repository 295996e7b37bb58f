#include "agent/pidfd/procfd.hpp"

#include "agent/pidfd/pidfd.hpp"
#include "agent/pidfd/problem.hpp"
#include "agent/pidfd/stat.hpp"
#include "tests/pidfd/apart.hpp"
#include "tests/support/children.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

// How a procfs is mounted decides what it shows.
namespace knell::test {
namespace {

Problem refusal(const Result<Fd>& directory) {
    return directory ? Problem::other : problem_of(directory.error());
}

Fd open_root() {
    return Fd(::open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

class HiddenProcesses : public testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(Options, HiddenProcesses, testing::Values("hidepid=1", "hidepid=2", "hidepid=ptraceable"),
                         [](const testing::TestParamInfo<const char*>& options) {
                             return "hidepid_" + std::string(options.param).substr(sizeof("hidepid=") - 1);
                         });

TEST_P(HiddenProcesses, AreAliveAndNotShown) {
    Process child = start_sleeper();
    const Pidfd pidfd = value_of(Pidfd::open(child.pid()));
    check_with_proc({.options = GetParam(), .as_nobody = true}, [&pidfd] {
        const auto directory = procfd::open(pidfd);
        EXPECT_EQ(refusal(directory), Problem::hidden) << (directory ? "it is shown" : directory.error().message);
        EXPECT_EQ(refusal(procfd::open(open_root(), pidfd)), Problem::hidden);
        EXPECT_TRUE(procfd::open(value_of(Pidfd::self()))) << "one's own is shown";
    });
    check_with_proc({.options = GetParam()}, [&pidfd] { EXPECT_TRUE(procfd::open(pidfd)) << "root may see all"; });

    ASSERT_TRUE(pidfd.send_signal(SIGKILL));
    (void)value_of(child.wait());
    check_with_proc({.options = GetParam(), .as_nobody = true}, [&pidfd] {
        EXPECT_EQ(refusal(procfd::open(pidfd)), Problem::gone) << "the dead are not hidden";
        EXPECT_EQ(refusal(procfd::open(open_root(), pidfd)), Problem::gone);
    });
}

TEST(SubsetOfProc, HasAllProcesses) {
    const Process child = start_sleeper();
    const Pidfd pidfd = value_of(Pidfd::open(child.pid()));
    check_with_proc({.options = "subset=pid"}, [&pidfd] {
        EXPECT_NE(::access("/proc/sys", F_OK), 0);
        for (const auto& directory : {procfd::open(pidfd), procfd::open(open_root(), pidfd)}) {
            ASSERT_TRUE(directory) << directory.error().message;
            EXPECT_EQ(value_of(procfd::read_stat(*directory)).comm, "die");
        }
    });
}

TEST(NoProc, IsToldAndAPrivateOneHelps) {
    const Process child = start_sleeper();
    const Pidfd pidfd = value_of(Pidfd::open(child.pid()));
    check_with_proc({.options = nullptr}, [&pidfd] {
        EXPECT_EQ(refusal(procfd::open(pidfd)), Problem::no_procfs);
        EXPECT_EQ(refusal(procfd::open(open_root(), pidfd)), Problem::no_procfs);

        const Fd root = value_of(procfd::private_root());
        const auto directory = procfd::open(root, pidfd);
        ASSERT_TRUE(directory) << directory.error().message;
        EXPECT_EQ(value_of(procfd::read_stat(*directory)).comm, "die");
        EXPECT_EQ(refusal(procfd::open(pidfd)), Problem::no_procfs) << "the private one is mounted nowhere";
    });
}

TEST(PrivateProc, CanExecuteNothingAndClosesOnExec) {
    const Fd root = value_of(procfd::private_root());
    EXPECT_NE(::fcntl(root.get(), F_GETFD) & FD_CLOEXEC, 0);
    struct statvfs info{};
    ASSERT_EQ(::fstatvfs(root.get(), &info), 0);
    constexpr unsigned long kFlags = ST_NOSUID | ST_NODEV | ST_NOEXEC;
    EXPECT_EQ(info.f_flag & kFlags, kFlags);
}

TEST(PrivateProc, TakesPrivileges) {
    check_with_proc({.as_nobody = true}, [] { EXPECT_EQ(refusal(procfd::private_root()), Problem::no_permission); });
}

} // namespace
} // namespace knell::test

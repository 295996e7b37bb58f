#include "agent/pidfd/pidfd.hpp"

#include "agent/pidfd/problem.hpp"
#include "tests/pidfd/child.hpp"
#include "tests/pidfd/kernel_age.hpp"
#include "tests/support/children.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <map>
#include <string>

namespace knell::test {
namespace {

constexpr NamespaceKind kEveryKind[] = {NamespaceKind::cgroup,
                                        NamespaceKind::ipc,
                                        NamespaceKind::mnt,
                                        NamespaceKind::net,
                                        NamespaceKind::pid,
                                        NamespaceKind::time,
                                        NamespaceKind::user,
                                        NamespaceKind::uts,
                                        NamespaceKind::pid_for_children,
                                        NamespaceKind::time_for_children};

// A namespace's device and inode.
using Identity = std::pair<dev_t, ino_t>;

Identity identity_of(const Fd& descriptor) {
    struct stat info{};
    EXPECT_EQ(::fstat(descriptor.get(), &info), 0);
    return {info.st_dev, info.st_ino};
}

Identity identity_in_proc(pid_t pid, NamespaceKind kind) {
    const std::string path = "/proc/" + std::to_string(pid) + "/ns/" + std::string(name_of(kind));
    const Fd opened(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    EXPECT_TRUE(opened) << path;
    return identity_of(opened);
}

class PidfdNamespaces : public OnKernelAge {};
INSTANTIATE_TEST_SUITE_P(Kernels, PidfdNamespaces, testing::Values(kNewest, kBeforeNamespaceIoctls, kBeforePidfs),
                         age_name);

// A child in namespaces of its own: uts and ipc.
int live_apart(const Line& line) {
    if (::unshare(CLONE_NEWUTS | CLONE_NEWIPC) != 0 || ::sethostname("knell-test", 10) != 0) {
        return 1;
    }
    return sleep_for_ever(line);
}

// pidfd_setns_test: nsfds derived from a pidfd.
TEST_P(PidfdNamespaces, OfALivingProcess) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "needs root: makes namespaces";
    }
    const Child child(live_apart);
    (void)child.line().hear();
    const Pidfd pidfd = child.open();
    for (const NamespaceKind kind : kEveryKind) {
        const auto opened = pidfd.open_namespace(kind);
        ASSERT_TRUE(opened) << opened.error().message;
        EXPECT_NE(::fcntl(opened->get(), F_GETFD) & FD_CLOEXEC, 0);
        EXPECT_EQ(identity_of(*opened), identity_in_proc(child.pid(), kind)) << name_of(kind);
        const bool own = kind == NamespaceKind::uts || kind == NamespaceKind::ipc;
        EXPECT_EQ(identity_of(*opened) != identity_in_proc(::getpid(), kind), own) << name_of(kind);
    }
}

TEST_P(PidfdNamespaces, OfTheDead) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "needs root: makes namespaces";
    }
    const Child child(live_apart);
    (void)child.line().hear();
    const Pidfd pidfd = child.open();
    std::map<NamespaceKind, Identity> alive;
    for (const NamespaceKind kind : {NamespaceKind::pid, NamespaceKind::user}) {
        alive[kind] = identity_in_proc(child.pid(), kind);
    }
    child.kill(SIGKILL);
    child.await_death();
    for (const NamespaceKind kind : kEveryKind) {
        const auto opened = pidfd.open_namespace(kind);
        if (alive.contains(kind)) {
            ASSERT_TRUE(opened) << opened.error().message;
            EXPECT_EQ(identity_of(*opened), alive[kind]) << name_of(kind);
        } else {
            ASSERT_FALSE(opened) << name_of(kind);
            EXPECT_EQ(problem_of(opened.error()), Problem::gone) << opened.error().message;
        }
    }
    (void)child.reap();
    for (const NamespaceKind kind : kEveryKind) {
        EXPECT_EQ(problem_of(pidfd.open_namespace(kind).error()), Problem::gone) << name_of(kind);
    }
}

// pidfd_setns_test: the descriptor is good for setns().
TEST_P(PidfdNamespaces, CanBeEntered) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "needs root: makes namespaces";
    }
    const Child child(live_apart);
    (void)child.line().hear();
    const Child visitor([&child](const Line&) {
        const Fd uts = value_of(child.open().open_namespace(NamespaceKind::uts));
        char name[64] = {};
        return ::setns(uts.get(), CLONE_NEWUTS) == 0 && ::gethostname(name, sizeof(name)) == 0 &&
                       std::string(name) == "knell-test"
                   ? 0
                   : 1;
    });
    EXPECT_EQ(visitor.reap(), 0);
}

TEST_P(PidfdNamespaces, TakeTheRightToRead) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "needs root: asks as another user";
    }
    const Child child(sleep_for_ever);
    const Pidfd pidfd = child.open();
    for (const NamespaceKind kind : kEveryKind) {
        const int answer = ask_as_nobody([&pidfd, kind] {
            const auto opened = pidfd.open_namespace(kind);
            return opened ? 0 : opened.error().errno_value;
        });
        EXPECT_EQ(answer, EPERM) << name_of(kind);
    }
}

} // namespace
} // namespace knell::test

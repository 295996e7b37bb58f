#include "agent/pidfd/pidfd.hpp"

#include "agent/pidfd/pidns.hpp"
#include "agent/pidfd/problem.hpp"
#include "tests/pidfd/apart.hpp"
#include "tests/pidfd/child.hpp"
#include "tests/pidfd/kernel_age.hpp"
#include "tests/support/children.hpp"
#include "tests/support/pid_namespace.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>

// Processes by their numbers in other pid namespaces.
namespace knell::test {
namespace {

class OpenIn : public OnKernelAge {
  protected:
    // Before 6.11 somebody has to go there.
    static bool by_helper() { return !available(PidfdFeature::pidns_ioctls); }
};

INSTANTIATE_TEST_SUITE_P(Kernels, OpenIn, testing::Values(kNewest, kBeforeInfo, kBeforeNamespaceIoctls, kBeforePidfs),
                         age_name);

class OpenInByHelper : public OnKernelAge {};

INSTANTIATE_TEST_SUITE_P(Kernels, OpenInByHelper, testing::Values(kBeforeNamespaceIoctls), age_name);

Problem refusal(const Result<Pidfd>& result) {
    return result ? Problem::other : problem_of(result.error());
}

TEST_P(OpenIn, EachLevel) {
    const PidNamespace outer;
    const PidNamespace inner(outer);
    const auto member = inner.start_sleeper(61);
    const auto between = outer.start_sleeper(62);
    const auto opened = Pidfd::open_in(inner.fd(), 61);
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_TRUE(*opened == member.pidfd);
    EXPECT_NE(::fcntl(opened->fd(), F_GETFD) & FD_CLOEXEC, 0);
    EXPECT_TRUE(value_of(Pidfd::open_in(outer.fd(), 62)) == between.pidfd);
    EXPECT_TRUE(value_of(Pidfd::open_in(inner.fd(), 1)) == inner.init());
    EXPECT_TRUE(value_of(Pidfd::open_in(value_of(pidns::own()), ::getpid())) == value_of(Pidfd::self()));
}

TEST_P(OpenIn, AZombieUntilItIsReaped) {
    const PidNamespace space;
    const auto member = space.start_zombie();
    EXPECT_TRUE(value_of(Pidfd::open_in(space.fd(), member.number)) == member.pidfd);
    space.reap(member);
    EXPECT_EQ(refusal(Pidfd::open_in(space.fd(), member.number)), Problem::gone);
}

TEST_P(OpenIn, NumbersThatNobodyHas) {
    const PidNamespace space;
    EXPECT_EQ(refusal(Pidfd::open_in(space.fd(), impossible_pid())), Problem::gone);
    EXPECT_EQ(refusal(Pidfd::open_in(value_of(pidns::own()), impossible_pid())), Problem::gone);
    EXPECT_EQ(Pidfd::open_in(space.fd(), 0).error().errno_value, EINVAL);
    EXPECT_EQ(Pidfd::open_in(space.fd(), -1).error().errno_value, EINVAL);
}

TEST_P(OpenIn, NotAThread) {
    const OtherThread thread;
    const auto opened = Pidfd::open_in(value_of(pidns::own()), thread.tid());
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().errno_value, EINVAL) << opened.error().message;
}

TEST_P(OpenIn, ADeadNamespaceHasNobody) {
    PidNamespace space;
    const auto member = space.start_sleeper();
    space.end();
    EXPECT_EQ(refusal(Pidfd::open_in(space.fd(), member.number)), Problem::gone);
    EXPECT_EQ(refusal(Pidfd::open_in(space.fd(), 1)), Problem::gone);
}

TEST_P(OpenIn, WhatIsBesideOrAboveIsForeign) {
    const PidNamespace one;
    const PidNamespace other;
    const auto beside = other.start_sleeper();
    const Fd above = value_of(pidns::own());
    const pid_t parent = ::getpid();
    check_inside(one.fd(), [&] {
        EXPECT_EQ(refusal(Pidfd::open_in(other.fd(), beside.number)), Problem::foreign_namespace);
        EXPECT_EQ(refusal(Pidfd::open_in(above, parent)), Problem::foreign_namespace);
    });
}

// Only the helper needs to be somebody.
TEST_P(OpenIn, Privileges) {
    const PidNamespace space;
    const auto member = space.start_sleeper();
    check_with_proc({.as_nobody = true}, [&] {
        const auto opened = Pidfd::open_in(space.fd(), member.number);
        EXPECT_EQ(refusal(opened), by_helper() ? Problem::no_permission : Problem::other);
        EXPECT_NE(opened.has_value(), by_helper());
    });
}

TEST_P(OpenIn, LeavesNeitherChildrenNorDescriptorsNorSignals) {
    const PidNamespace space;
    const auto member = space.start_sleeper();
    check_with_proc({}, [&] { // in a child that has no other children
        const auto count = [] {
            const std::filesystem::directory_iterator descriptors("/proc/self/fd");
            return std::ranges::distance(descriptors);
        };
        sigset_t before{};
        ::sigprocmask(SIG_SETMASK, nullptr, &before);
        const auto descriptors = count();
        for (const pid_t number : {member.number, pid_t{1}, impossible_pid()}) {
            (void)Pidfd::open_in(space.fd(), number);
        }
        EXPECT_EQ(count(), descriptors);
        EXPECT_EQ(::waitpid(-1, nullptr, __WALL | WNOHANG), -1);
        EXPECT_EQ(errno, ECHILD);
        sigset_t after{};
        ::sigprocmask(SIG_SETMASK, nullptr, &after);
        for (int signal = 1; signal < SIGRTMAX; ++signal) {
            EXPECT_EQ(sigismember(&before, signal), sigismember(&after, signal)) << signal;
        }
    });
}

// Somebody in there kills whatever comes, the one who shall open the process included. The answer may fail, with this
// as its reason; it may not hang or be wrong.
TEST_P(OpenInByHelper, AmongMurderers) {
    const PidNamespace space;
    check_with_proc({}, [&] { // kill(-1) ends with this child's life
        const Child gate([&](const Line& line) {
            if (::setns(space.fd().get(), CLONE_NEWPID) != 0) {
                return 1;
            }
            const Child murderer([&line](const Line&) -> int {
                line.tell();
                for (;;) {
                    ::kill(-1, SIGKILL); // all in this namespace but its init and the caller
                }
            });
            return murderer.reap();
        });
        (void)gate.line().hear();
        for (int i = 0; i < 20; ++i) {
            const auto opened = Pidfd::open_in(space.fd(), 1);
            if (opened) {
                EXPECT_TRUE(*opened == space.init());
            } else {
                EXPECT_EQ(opened.error().errno_value, ECANCELED) << opened.error().message;
            }
        }
    });
}

} // namespace
} // namespace knell::test

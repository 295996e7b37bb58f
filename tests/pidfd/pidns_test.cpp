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
#include <sys/stat.h>
#include <unistd.h>

// Numbers across pid namespaces.
namespace knell::test {
namespace {

class Pidns : public OnKernelAge {};

INSTANTIATE_TEST_SUITE_P(Kernels, Pidns, testing::Values(kNewest, kBeforeInfo, kBeforeNamespaceIoctls, kBeforePidfs),
                         age_name);

template <typename T>
Problem refusal(const Result<T>& result) {
    return result ? Problem::other : problem_of(result.error());
}

ino_t inode_of(const Fd& pidns) {
    struct stat info{};
    return ::fstat(pidns.get(), &info) == 0 ? info.st_ino : 0;
}

ino_t inode_in_proc(const std::string& pid) {
    struct stat info{};
    return ::stat(("/proc/" + pid + "/ns/pid").c_str(), &info) == 0 ? info.st_ino : 1;
}

TEST_P(Pidns, OwnAndOfAnother) {
    EXPECT_EQ(inode_of(value_of(pidns::own())), inode_in_proc("self"));
    const PidNamespace space;
    const auto member = space.start_sleeper();
    const Fd of_member = value_of(pidns::of(member.pidfd));
    EXPECT_EQ(inode_of(of_member), inode_of(space.fd()));
    EXPECT_NE(inode_of(of_member), inode_in_proc("self"));
    EXPECT_NE(::fcntl(of_member.get(), F_GETFD) & FD_CLOEXEC, 0);
    check_inside(space.fd(), [&] { EXPECT_EQ(inode_of(value_of(pidns::own())), inode_of(space.fd())); });
}

// Where its children will be is another question.
TEST_P(Pidns, OwnIsNotTheOneOfFutureChildren) {
    const ino_t before = inode_in_proc("self");
    const Child child([before](const Line&) {
        return ::unshare(CLONE_NEWPID) == 0 && inode_of(value_of(pidns::own())) == before ? 0 : 1;
    });
    EXPECT_EQ(child.reap(), 0);
}

TEST_P(Pidns, OfAZombieAndOfTheReaped) {
    const PidNamespace space;
    const auto member = space.start_zombie();
    const auto of_zombie = pidns::of(member.pidfd);
    ASSERT_TRUE(of_zombie) << of_zombie.error().message;
    EXPECT_EQ(inode_of(*of_zombie), inode_of(space.fd()));
    space.reap(member);
    EXPECT_EQ(refusal(pidns::of(member.pidfd)), Problem::gone);
    EXPECT_EQ(refusal(pidns::number_in(space.fd(), member.pidfd)), Problem::gone);
}

TEST_P(Pidns, OfAStrangerTakesPrivileges) {
    const Process child = start_sleeper();
    const Pidfd pidfd = value_of(Pidfd::open(child.pid()));
    EXPECT_EQ(ask_as_nobody([&pidfd] { return refusal(pidns::of(pidfd)) == Problem::no_permission ? 0 : 1; }), 0);
}

TEST_P(Pidns, NumberInEachLevelAndInNoOther) {
    const Fd own = value_of(pidns::own());
    const PidNamespace outer;
    const PidNamespace inner(outer);
    const PidNamespace beside(outer);
    const auto member = inner.start_sleeper(71);
    const auto between = outer.start_sleeper(72);

    EXPECT_EQ(value_of(pidns::number_in(own, value_of(Pidfd::self()))), ::getpid());
    EXPECT_TRUE(value_of(Pidfd::open(value_of(pidns::number_in(own, member.pidfd)))) == member.pidfd);
    EXPECT_EQ(value_of(pidns::number_in(inner.fd(), member.pidfd)), 71);
    EXPECT_EQ(value_of(pidns::number_in(inner.fd(), inner.init())), 1);
    EXPECT_EQ(value_of(pidns::number_in(outer.fd(), between.pidfd)), 72);
    EXPECT_GT(value_of(pidns::number_in(outer.fd(), member.pidfd)), 1);

    EXPECT_EQ(refusal(pidns::number_in(beside.fd(), member.pidfd)), Problem::foreign_namespace);
    EXPECT_EQ(refusal(pidns::number_in(inner.fd(), between.pidfd)), Problem::foreign_namespace);
    EXPECT_EQ(refusal(pidns::number_in(inner.fd(), value_of(Pidfd::self()))), Problem::foreign_namespace);
}

TEST_P(Pidns, NumberOfAZombie) {
    const PidNamespace space;
    const auto member = space.start_zombie();
    EXPECT_EQ(value_of(pidns::number_in(space.fd(), member.pidfd)), member.number);
}

// Each number leads to each other one, over three levels; the fourth is a sibling, in which there is none.
TEST_P(Pidns, TranslatesBothWays) {
    const Fd own = value_of(pidns::own());
    const PidNamespace outer;
    const PidNamespace inner(outer);
    const PidNamespace beside(outer);
    const auto member = inner.start_sleeper(81);
    struct Level {
        const char* name;
        const Fd* pidns;
        pid_t number;
    };
    const Level levels[] = {{"own", &own, value_of(pidns::number_in(own, member.pidfd))},
                            {"outer", &outer.fd(), value_of(pidns::number_in(outer.fd(), member.pidfd))},
                            {"inner", &inner.fd(), 81}};
    for (const Level& from : levels) {
        for (const Level& to : levels) {
            const auto number = pidns::translate(from.number, *from.pidns, *to.pidns);
            ASSERT_TRUE(number) << from.name << " to " << to.name << ": " << number.error().message;
            EXPECT_EQ(*number, to.number) << from.name << " to " << to.name;
        }
        EXPECT_EQ(refusal(pidns::translate(from.number, *from.pidns, beside.fd())), Problem::foreign_namespace)
            << from.name;
    }
    EXPECT_EQ(refusal(pidns::translate(81, beside.fd(), own)), Problem::gone);
    EXPECT_EQ(refusal(pidns::translate(::getpid(), own, inner.fd())), Problem::foreign_namespace);
    EXPECT_EQ(pidns::translate(0, own, own).error().errno_value, EINVAL);
}

TEST_P(Pidns, WhatIsNoPidNamespaceIsRefused) {
    const Fd own = value_of(pidns::own());
    const Pidfd self = value_of(Pidfd::self());
    for (const char* path : {"/dev/null", "/proc/self/ns/net", "/proc/self/ns/user"}) {
        const Fd other(::open(path, O_RDONLY | O_CLOEXEC));
        ASSERT_TRUE(other) << path;
        EXPECT_FALSE(pidns::number_in(other, self)) << path;
        EXPECT_FALSE(pidns::translate(::getpid(), own, other)) << path;
        EXPECT_FALSE(pidns::translate(::getpid(), other, own)) << path;
        EXPECT_EQ(pidns::relation(own, other).error().errno_value, EINVAL) << path;
        EXPECT_EQ(pidns::relation(other, own).error().errno_value, EINVAL) << path;
    }
}

// With the procfs of a namespace above at /proc, the numbers that it shows must not be taken for ours.
TEST_P(Pidns, NumbersOfAForeignProcAreNotOurs) {
    const PidNamespace space;
    const auto member = space.start_sleeper(91);
    check_inside(space.fd(), [&] {
        const auto number = pidns::number_in(space.fd(), member.pidfd);
        if (available(PidfdFeature::pidns_ioctls) && !available(PidfdFeature::info)) {
            EXPECT_EQ(refusal(number), Problem::no_procfs) << "the ioctl asks for our number, which nobody tells";
        } else {
            EXPECT_EQ(value_of(number), 91);
        }
    });
}

TEST(PidnsWithoutProc, NeedsNone) {
    if (!available(PidfdFeature::info)) {
        GTEST_SKIP() << "before Linux 6.13 numbers come from procfs";
    }
    const PidNamespace space;
    const auto member = space.start_sleeper(92);
    check_with_proc({.options = nullptr}, [&] {
        const Fd own = value_of(pidns::own());
        EXPECT_EQ(value_of(pidns::number_in(space.fd(), member.pidfd)), 92);
        EXPECT_EQ(value_of(pidns::translate(92, space.fd(), own)), value_of(pidns::number_in(own, member.pidfd)));
    });
}

} // namespace
} // namespace knell::test

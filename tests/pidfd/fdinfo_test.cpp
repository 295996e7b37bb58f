#include "agent/pidfd/fdinfo.hpp"

#include "agent/pidfd/pidfd.hpp"
#include "agent/pidfd/problem.hpp"
#include "agent/pidfd/procfd.hpp"
#include "tests/pidfd/apart.hpp"
#include "tests/support/children.hpp"
#include "tests/support/pid_namespace.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include <vector>

// The numbers that fdinfo shows: the scenarios of the kernel's own pidfd_fdinfo_test.
namespace knell::test {
namespace {

TEST(Fdinfo, OursIsOneNumber) {
    const Fdinfo info = value_of(read_fdinfo(value_of(Pidfd::self())));
    EXPECT_EQ(info.pid, ::getpid());
    EXPECT_EQ(info.nspid, std::vector<int>{::getpid()});
}

TEST(Fdinfo, NestedIsANumberForEachLevel) {
    const PidNamespace outer;
    const PidNamespace inner(outer);
    const auto member = inner.start_sleeper(33);
    const Fdinfo info = value_of(read_fdinfo(member.pidfd));
    ASSERT_EQ(info.nspid.size(), 3U);
    EXPECT_EQ(info.nspid.front(), info.pid);
    EXPECT_EQ(info.nspid.back(), 33);
    EXPECT_TRUE(value_of(Pidfd::open(info.pid)) == member.pidfd);

    check_inside(outer.fd(), [&] {
        const Fd root = value_of(procfd::private_root());
        const Fdinfo seen_from_between = value_of(read_fdinfo(root.get(), member.pidfd));
        EXPECT_EQ(seen_from_between.nspid, (std::vector<int>{info.nspid[1], 33}));
        EXPECT_EQ(seen_from_between.pid, info.nspid[1]);
    });
}

TEST(Fdinfo, WhatIsAboveOrBesideHasNoNumber) {
    const PidNamespace one;
    const PidNamespace other;
    const auto beside = other.start_sleeper();
    const Pidfd above = value_of(Pidfd::self());
    check_inside(one.fd(), [&] {
        const Fd root = value_of(procfd::private_root());
        for (const Pidfd* process : {&beside.pidfd, &above}) {
            const Fdinfo info = value_of(read_fdinfo(root.get(), *process));
            EXPECT_EQ(info.pid, 0);
            EXPECT_TRUE(info.nspid.empty());
        }
    });
}

TEST(Fdinfo, AZombieHasItsNumberAndTheReapedHasNone) {
    const PidNamespace space;
    const auto member = space.start_zombie();
    const Fdinfo zombie = value_of(read_fdinfo(member.pidfd));
    EXPECT_GT(zombie.pid, 0);
    EXPECT_EQ(zombie.nspid.back(), member.number);
    space.reap(member);
    const Fdinfo reaped = value_of(read_fdinfo(member.pidfd));
    EXPECT_EQ(reaped.pid, -1);
    EXPECT_TRUE(reaped.nspid.empty());
}

TEST(Fdinfo, AProcfsWithoutUsIsNone) {
    const PidNamespace space;
    const Fd root = space.open_procfs();
    EXPECT_EQ(problem_of(read_fdinfo(root.get(), space.init()).error()), Problem::no_procfs);
    const Fd directory(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    EXPECT_EQ(problem_of(read_fdinfo(directory.get(), space.init()).error()), Problem::no_procfs);
}

} // namespace
} // namespace knell::test

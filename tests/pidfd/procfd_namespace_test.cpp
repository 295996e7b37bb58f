#include "agent/pidfd/procfd.hpp"

#include "agent/base/file.hpp"
#include "agent/pidfd/pidfd.hpp"
#include "agent/pidfd/problem.hpp"
#include "tests/pidfd/apart.hpp"
#include "tests/pidfd/kernel_age.hpp"
#include "tests/support/children.hpp"
#include "tests/support/pid_namespace.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>

// The procfs of one pid namespace and processes of others.
namespace knell::test {
namespace {

class ProcfdOfNamespace : public OnKernelAge {};

INSTANTIATE_TEST_SUITE_P(Kernels, ProcfdOfNamespace,
                         testing::Values(kNewest, kBeforeInfo, kBeforeNamespaceIoctls, kBeforePidfs), age_name);

// Between 6.11 and 6.13 the kernel translates our number, and none but a procfs of ours tells us that one.
bool needs_our_proc_to_translate() {
    return available(PidfdFeature::pidns_ioctls) && !available(PidfdFeature::info);
}

Problem refusal(const Result<Fd>& directory) {
    return directory ? Problem::other : problem_of(directory.error());
}

Fd open_root() {
    return Fd(::open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

// The line "Pid:" of status: the number in the namespace of this procfs.
std::string number_line(const Fd& directory) {
    const std::string status = value_of(read_small_file(directory.get(), "status", std::size_t{1} << 16));
    const std::size_t start = status.find("\nPid:\t") + 1;
    return status.substr(start, status.find('\n', start) - start);
}

TEST_P(ProcfdOfNamespace, BelowOursIsTranslated) {
    const PidNamespace outer;
    const PidNamespace inner(outer);
    const auto member = inner.start_sleeper(77);
    const auto directory = procfd::open(inner.open_procfs(), member.pidfd);
    ASSERT_TRUE(directory) << directory.error().message;
    EXPECT_EQ(number_line(*directory), "Pid:\t77");

    const auto seen_from_between = procfd::open(outer.open_procfs(), member.pidfd);
    ASSERT_TRUE(seen_from_between) << seen_from_between.error().message;
    EXPECT_EQ(number_line(*seen_from_between).substr(0, 5), "Pid:\t");
    EXPECT_NE(number_line(*seen_from_between), "Pid:\t77");
    EXPECT_EQ(number_line(value_of(procfd::open(inner.open_procfs(), inner.init()))), "Pid:\t1");
}

TEST_P(ProcfdOfNamespace, BelowOursTellsTheStatesApart) {
    const PidNamespace space;
    const Fd root = space.open_procfs();
    const auto zombie = space.start_zombie();
    EXPECT_TRUE(procfd::open(root, zombie.pidfd));
    space.reap(zombie);
    EXPECT_EQ(refusal(procfd::open(root, zombie.pidfd)), Problem::gone);
    EXPECT_EQ(refusal(procfd::open(root, value_of(Pidfd::self()))), Problem::foreign_namespace);
}

TEST_P(ProcfdOfNamespace, OfASiblingIsForeign) {
    const PidNamespace one;
    const PidNamespace other;
    const auto member = one.start_sleeper();
    EXPECT_EQ(refusal(procfd::open(other.open_procfs(), member.pidfd)), Problem::foreign_namespace);
    // And seen from inside one of the two, where we ourselves are not in that procfs either.
    const Fd root = other.open_procfs();
    check_inside(one.fd(), [&] {
        EXPECT_EQ(refusal(procfd::open(root, member.pidfd)),
                  needs_our_proc_to_translate() ? Problem::no_procfs : Problem::foreign_namespace);
    });
}

TEST_P(ProcfdOfNamespace, ThatDiedIsForeignToTheLiving) {
    PidNamespace space;
    const auto member = space.start_sleeper();
    const Fd root = space.open_procfs();
    space.end();
    EXPECT_EQ(refusal(procfd::open(root, member.pidfd)), Problem::gone);
    EXPECT_EQ(refusal(procfd::open(root, value_of(Pidfd::self()))), Problem::foreign_namespace);
}

TEST_P(ProcfdOfNamespace, AboveOursShowsOursByItsOwnNumbers) {
    const PidNamespace space;
    const auto member = space.start_sleeper(55);
    const Fd above = open_root();
    check_inside(space.fd(), [&] {
        const auto directory = procfd::open(above, member.pidfd);
        ASSERT_TRUE(directory) << directory.error().message;
        EXPECT_NE(number_line(*directory), "Pid:\t55");
        EXPECT_EQ(number_line(value_of(procfd::open(value_of(procfd::private_root()), member.pidfd))), "Pid:\t55");
    });
}

TEST_P(ProcfdOfNamespace, OursDoesNotShowWhatIsAbove) {
    const Pidfd above = value_of(Pidfd::self());
    check_in_new_pid_namespace([&above] {
        EXPECT_EQ(refusal(procfd::open(above)), Problem::foreign_namespace);
        EXPECT_EQ(refusal(procfd::open(open_root(), above)), Problem::foreign_namespace);
    });
}

// Whose procfs it is can only be learned from its init, which belongs to somebody else.
TEST_P(ProcfdOfNamespace, OfAStrangerTakesPrivileges) {
    const PidNamespace space;
    const auto member = space.start_sleeper();
    const Fd root = space.open_procfs();
    check_with_proc({.as_nobody = true},
                    [&] { EXPECT_EQ(refusal(procfd::open(root, member.pidfd)), Problem::no_permission); });
}

} // namespace
} // namespace knell::test

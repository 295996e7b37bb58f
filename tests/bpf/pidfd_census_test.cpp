#include "agent/probe/pidfd_census.hpp"

#include "tests/bpf/bpf_test.hpp"
#include "tests/bpf/pidfd_calls.hpp"
#include "tests/bpf/probe_under_test.hpp"
#include "tests/bpf/scene.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

// Who holds pidfds that exist already.

namespace knell::test {
namespace {

class PidfdCensusTest : public BpfTest {
  protected:
    static std::vector<knell_held_pidfd> held_by(const PidfdCensus& census, pid_t pid) {
        std::vector<knell_held_pidfd> held;
        for (const knell_held_pidfd& one : census.held) {
            if (one.holder.pid == static_cast<std::uint32_t>(pid)) {
                held.push_back(one);
            }
        }
        return held;
    }
};

TEST_F(PidfdCensusTest, TellsEachOpenPidfdOnce) {
    Scene scene;
    Process& alive = scene.start_ready({"sleep"});
    Process& reaped = scene.start_ready({"sleep"});
    const Fd pidfd = open_pidfd(alive.pid());
    Gate ready;
    Gate end;
    ForkedChild holder([&] {
        const int first = make_pidfd(alive.pid());
        (void)::dup(first);
        (void)make_pidfd(alive.pid()); // another one to the same process
        (void)make_pidfd(reaped.pid());
        if (::fork() == 0) { // it inherits them all
            ready.open();
            end.pass();
            ::_exit(0);
        }
        ready.open();
        end.pass();
        return 0;
    });
    ready.pass();
    must(reaped.kill(SIGKILL));
    must(reaped.wait());

    const PidfdCensus census = must(take_pidfd_census({}));
    EXPECT_TRUE(census.complete);
    const auto held = held_by(census, holder.pid());
    std::vector<std::uint32_t> targets;
    for (const knell_held_pidfd& one : held) {
        targets.push_back(one.target_pid);
        EXPECT_EQ(one.holder.ppid, static_cast<std::uint32_t>(::getpid()));
        EXPECT_NE(one.holder.cgroup_id, 0U);
        EXPECT_NE(std::string(one.holder_exe), "");
        if (one.target_pid != 0) {
            EXPECT_EQ(one.target_inode, inode_of(pidfd.get()));
        }
    }
    const auto target = static_cast<std::uint32_t>(alive.pid());
    EXPECT_THAT(targets, testing::UnorderedElementsAre(target, target, 0U));
    EXPECT_EQ(held_by(census, ::getpid()).size(), 1U) << "ours, which the child inherited";
    end.open();
}

TEST_F(PidfdCensusTest, StopsAtItsLimits) {
    const Fd first = open_pidfd(::getpid());
    const Fd second = open_pidfd(::getpid());
    const PidfdCensus of_one = must(take_pidfd_census({.max_rows = 1}));
    EXPECT_EQ(of_one.held.size(), 1U);
    EXPECT_FALSE(of_one.complete);
    EXPECT_FALSE(must(take_pidfd_census({.max_time = 0})).complete);
}

// More than the kernel hands out in one read.
TEST_F(PidfdCensusTest, LosesNoneBetweenReads) {
    constexpr std::size_t kMany = 900;
    std::vector<Fd> pidfds;
    for (std::size_t i = 0; i < kMany; ++i) {
        pidfds.push_back(open_pidfd(::getpid()));
        ASSERT_TRUE(pidfds.back());
    }
    EXPECT_EQ(held_by(must(take_pidfd_census({})), ::getpid()).size(), kMany);
}

} // namespace
} // namespace knell::test

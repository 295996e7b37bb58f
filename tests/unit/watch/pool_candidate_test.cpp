#include "tests/unit/watch/pool_fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string_view>
#include <vector>

namespace knell::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class PoolCandidateTest : public PoolTest {};
INSTANTIATE_TEST_SUITE_P(Pool, PoolCandidateTest, every_variant(), variant_name);

knell_process stranger(std::uint32_t pid) {
    knell_process process{};
    process.pid = pid;
    process.pid_inode = 1'000'000 + pid;
    return process;
}

TEST_P(PoolCandidateTest, DeadBeforeMinAgeCostsNothing) {
    const Process child = start_sleeper();
    const knell_process process = describe(child.pid());
    const std::size_t descriptors = open_descriptors();
    pool->forked(process, kBirth);
    EXPECT_EQ(open_descriptors(), descriptors);
    EXPECT_EQ(pool->exited(process), nullptr);
    EXPECT_THAT(states(), ElementsAre(0, 0, 0));
    EXPECT_EQ(pool->next_due(), std::nullopt) << "nobody wakes up for it";
    pool->open_due(kDue, kAll);
    EXPECT_EQ(open_descriptors(), descriptors);
    EXPECT_THAT(listener.calls, IsEmpty());
    EXPECT_THAT(listener.asked, IsEmpty());
    EXPECT_THAT(slots.tagged, IsEmpty());
    EXPECT_EQ(refusals(), "") << "dying young is no refusal";
}

TEST_P(PoolCandidateTest, OpensNoMoreThanTheLimit) {
    const std::vector<Process> children = [] {
        std::vector<Process> started;
        for (int i = 0; i < 3; ++i) {
            started.push_back(start_sleeper());
        }
        return started;
    }();
    for (const Process& child : children) {
        pool->forked(describe(child.pid()), kBirth);
    }
    pool->open_due(kDue, 2);
    EXPECT_THAT(states(), ElementsAre(1, 2, 0));
    EXPECT_EQ(pool->next_due(), kDue) << "the rest is due at once";
    pool->open_due(kDue, 2);
    EXPECT_THAT(states(), ElementsAre(0, 3, 0));
}

TEST_P(PoolCandidateTest, ExecRenamesACandidate) {
    const Process child = start_sleeper();
    knell_process process = describe(child.pid());
    pool->forked(process, kBirth);
    std::strcpy(process.comm, "renamed");
    pool->execed(process);
    listener.select = [](const knell_process& asked) { return std::string_view(asked.comm) == "renamed"; };
    pool->open_due(kDue, kAll);
    ASSERT_EQ(listener.watched_processes.size(), 1U);
    EXPECT_STREQ(listener.watched_processes[0].comm, "renamed");
}

TEST_P(PoolCandidateTest, ExecOfAnyOtherProcessChangesNothing) {
    const Process child = start_sleeper();
    knell_process process = describe(child.pid());
    pool->execed(process);
    EXPECT_THAT(states(), ElementsAre(0, 0, 0)) << "unknown";
    ASSERT_NE(watch(process), nullptr);
    std::strcpy(process.comm, "renamed");
    pool->execed(process);
    EXPECT_THAT(states(), ElementsAre(0, 1, 0)) << "watched";
    EXPECT_THAT(listener.calls, ElementsAre("watched"));
}

TEST_P(PoolCandidateTest, ABirthWithoutADeathBeforeReplacesTheCandidate) {
    pool->forked(stranger(7), kBirth);
    pool->forked(stranger(7), kBirth + 50);
    EXPECT_THAT(states(), ElementsAre(1, 0, 0));
    EXPECT_EQ(pool->next_due(), kDue + 50) << "the exit record of the first was lost";
    EXPECT_EQ(pool->exited(stranger(7)), nullptr);
    EXPECT_THAT(states(), ElementsAre(0, 0, 0));
}

TEST_P(PoolCandidateTest, MinAgeMayChange) {
    pool->set_min_age(7);
    pool->forked(stranger(7), kBirth);
    EXPECT_EQ(pool->next_due(), kBirth + 7);
}

} // namespace
} // namespace knell::test

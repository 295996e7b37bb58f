#include "agent/cli/family_tally.hpp"
#include "tests/unit/cli/births.hpp"

#include <gtest/gtest.h>

#include <csignal>

namespace knell::test {
namespace {

constexpr Named kUs = {10, 1};
constexpr Named kFounder = {20, 100};
constexpr std::uint64_t kInherited = 1000;

class FamilyTallyTest : public testing::Test {
  protected:
    FamilyTallyTest() { tally.born(birth_of(kFounder, kUs)); }

    static ProcessIdentity identity(Named process) {
        ProcessIdentity identity;
        identity.pid = process.pid;
        identity.start = process.start;
        return identity;
    }
    static Exit exit_of(Named process, Reason reason, Instant time = 1100) {
        Exit exit;
        exit.process = identity(process);
        exit.reason = reason;
        exit.time = time;
        return exit;
    }

    FamilyTally tally{Family(10, 20), kInherited, true};
};

TEST_F(FamilyTallyTest, CountsMembersAlone) {
    tally.born(birth_of({30, 200}, kFounder));
    tally.on_event(Exec{identity(kFounder), 150});
    tally.on_event(Exec{identity({99, 1}), 150});
    tally.on_event(exit_of({30, 200}, Reason::error));
    tally.on_event(exit_of({30, 1}, Reason::crash)); // an older process of that number
    tally.on_event(exit_of({99, 1}, Reason::success));
    const FamilyCounts counts = tally.counts();
    EXPECT_EQ(counts.processes, 2U);
    EXPECT_EQ(counts.execs, 1U);
    EXPECT_EQ(counts.exits, 1U);
    EXPECT_EQ(counts.still_running, 1U);
    EXPECT_EQ(counts.reasons[static_cast<std::size_t>(Reason::error)], 1U);
    EXPECT_EQ(counts.reasons[static_cast<std::size_t>(Reason::crash)], 0U);
    EXPECT_EQ(counts.lifetime.most(), 900U);
}

TEST_F(FamilyTallyTest, AnEndIsCountedOnce) {
    tally.on_event(exit_of(kFounder, Reason::success));
    tally.on_event(exit_of(kFounder, Reason::success));
    EXPECT_EQ(tally.counts().exits, 1U);
}

TEST_F(FamilyTallyTest, TellsWhoKilled) {
    Exit killed = exit_of(kFounder, Reason::signal);
    killed.signal = SIGKILL;
    killed.killer = Killer{.kind = KillerClass::child, .pid = 30, .uid = 0, .comm = {}};
    tally.on_event(killed);
    const auto kills = tally.counts().kills;
    ASSERT_EQ(kills.size(), 1U);
    EXPECT_EQ(kills.at({SIGKILL, KillerClass::child}), 1U);
}

TEST_F(FamilyTallyTest, WaitsForTheReapOfTheWatched) {
    tally.born(birth_of({30, 200}, kFounder));
    tally.on_event(exit_of({30, 200}, Reason::success));
    EXPECT_EQ(tally.uncollected(), 0U) << "not watched: nobody tells of its reap";
    Exit watched = exit_of(kFounder, Reason::success);
    watched.teardown = 5;
    watched.reaction = 6;
    tally.on_event(watched);
    EXPECT_EQ(tally.uncollected(), 1U);
    tally.on_event(Reap{identity({20, 99}), 1200, 7});
    EXPECT_EQ(tally.uncollected(), 1U) << "of another process";
    tally.on_event(Reap{identity(kFounder), 1200, 7});
    EXPECT_EQ(tally.uncollected(), 0U);
    const FamilyCounts counts = tally.counts();
    EXPECT_EQ(counts.teardown.most(), 5U);
    EXPECT_EQ(counts.reaction.most(), 6U);
    EXPECT_EQ(counts.reap.most(), 7U);
}

TEST_F(FamilyTallyTest, WaitsForNoReapWhereNobodyTellsOfIt) {
    FamilyTally old_kernel{Family(10, 20), kInherited, false};
    old_kernel.born(birth_of(kFounder, kUs));
    Exit watched = exit_of(kFounder, Reason::success);
    watched.teardown = 5;
    watched.reaction = 6;
    old_kernel.on_event(watched);
    EXPECT_EQ(old_kernel.uncollected(), 0U);
    EXPECT_EQ(old_kernel.counts().reaction.most(), 6U);
}

TEST_F(FamilyTallyTest, MemoryOfTheCreatorIsNotTheFounders) {
    tally.born(birth_of({30, 200}, kFounder));
    Exit founder = exit_of(kFounder, Reason::success);
    founder.resources =
        Resources{.user = 1, .system = 2, .peak_rss_bytes = kInherited, .minor_faults = 3, .major_faults = 4};
    tally.on_event(founder);
    EXPECT_EQ(tally.counts().peak_rss_bytes, 0U);
    Exit child = exit_of({30, 200}, Reason::success);
    child.resources = Resources{.user = 10, .system = 20, .peak_rss_bytes = 7, .minor_faults = 30, .major_faults = 40};
    tally.on_event(child);
    const FamilyCounts counts = tally.counts();
    EXPECT_EQ(counts.peak_rss_bytes, 7U);
    EXPECT_EQ(counts.user, 11U);
    EXPECT_EQ(counts.system, 22U);
    EXPECT_EQ(counts.minor_faults, 33U);
    EXPECT_EQ(counts.major_faults, 44U);
}

} // namespace
} // namespace knell::test

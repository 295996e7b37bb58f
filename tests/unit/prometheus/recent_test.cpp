#include "exporters/prometheus/recent.hpp"

#include <gtest/gtest.h>

namespace knell {
namespace {

Exit death_of(std::uint32_t pid, Reason reason = Reason::success) {
    Exit exit;
    exit.process.pid = pid;
    exit.reason = reason;
    exit.time = monotonic_now();
    return exit;
}

TEST(RecentDeaths, AreTheLatestFirst) {
    RecentDeaths recent;
    EXPECT_TRUE(recent.snapshot().latest.empty());
    recent.on_event(death_of(1));
    recent.on_event(death_of(2));
    recent.on_event(Reap{});
    recent.on_event(Exec{});
    const auto latest = recent.snapshot().latest;
    ASSERT_EQ(latest.size(), 2U);
    EXPECT_EQ(latest[0].process.pid, 2U);
    EXPECT_EQ(latest[1].process.pid, 1U);
}

TEST(RecentDeaths, AreBounded) {
    RecentDeaths recent;
    constexpr std::uint32_t kDeaths = 1000;
    for (std::uint32_t pid = 1; pid <= kDeaths; ++pid) {
        recent.on_event(death_of(pid, Reason::crash));
    }
    const RecentSnapshot snapshot = recent.snapshot();
    for (const auto& list : {snapshot.latest, snapshot.abnormal}) {
        ASSERT_EQ(list.size(), RecentDeaths::kCapacity);
        for (std::uint32_t i = 0; i < RecentDeaths::kCapacity; ++i) {
            EXPECT_EQ(list[i].process.pid, kDeaths - i);
        }
    }
    EXPECT_EQ(snapshot.exits[static_cast<std::size_t>(Reason::crash)], kDeaths);
}

TEST(RecentDeaths, AKillIsSeenBehindManyWhoLeave) {
    RecentDeaths recent;
    recent.on_event(death_of(1, Reason::oom_kill));
    for (std::uint32_t pid = 2; pid < 200; ++pid) {
        recent.on_event(death_of(pid, pid % 2 == 0 ? Reason::success : Reason::error));
    }
    const auto abnormal = recent.snapshot().abnormal;
    ASSERT_EQ(abnormal.size(), 1U);
    EXPECT_EQ(abnormal[0].process.pid, 1U);
}

TEST(RecentDeaths, AreCountedByReasonByMinuteAndByScope) {
    RecentDeaths recent;
    Exit killed = death_of(1, Reason::oom_kill);
    killed.oom_scope = OomScope::memcg;
    recent.on_event(killed);
    killed.oom_scope = OomScope::system;
    killed.spilled = 10; // that many at once
    recent.on_event(killed);
    Exit old = death_of(2, Reason::oom_kill);
    old.time -= std::min<Nanoseconds>(old.time, 61 * MinuteCounts::kMinute);
    recent.on_event(old);
    const RecentSnapshot snapshot = recent.snapshot();
    constexpr auto kOom = static_cast<std::size_t>(Reason::oom_kill);
    std::uint64_t hour = 0;
    for (const ReasonCounts& minute : snapshot.minutes) {
        hour += minute[kOom];
    }
    EXPECT_EQ(hour, 11U);
    EXPECT_EQ(snapshot.exits[kOom], 12U);
    EXPECT_EQ(snapshot.oom_kills[static_cast<std::size_t>(OomScope::memcg)], 1U);
    EXPECT_EQ(snapshot.oom_kills[static_cast<std::size_t>(OomScope::system)], 10U);
    EXPECT_LE(snapshot.start, killed.time);
    EXPECT_GE(snapshot.now, killed.time);
}

} // namespace
} // namespace knell

#include "exporters/prometheus/recent.hpp"

#include <gtest/gtest.h>

namespace knell {
namespace {

Exit death_of(std::uint32_t pid) {
    Exit exit;
    exit.process.pid = pid;
    return exit;
}

TEST(RecentDeaths, AreTheLatestFirst) {
    RecentDeaths recent;
    EXPECT_TRUE(recent.latest().empty());
    recent.on_event(death_of(1));
    recent.on_event(death_of(2));
    recent.on_event(Reap{});
    recent.on_event(Exec{});
    const auto latest = recent.latest();
    ASSERT_EQ(latest.size(), 2U);
    EXPECT_EQ(latest[0].process.pid, 2U);
    EXPECT_EQ(latest[1].process.pid, 1U);
}

TEST(RecentDeaths, AreBounded) {
    RecentDeaths recent;
    constexpr std::uint32_t kDeaths = 1000;
    for (std::uint32_t pid = 1; pid <= kDeaths; ++pid) {
        recent.on_event(death_of(pid));
    }
    const auto latest = recent.latest();
    ASSERT_EQ(latest.size(), RecentDeaths::kCapacity);
    for (std::uint32_t i = 0; i < RecentDeaths::kCapacity; ++i) {
        EXPECT_EQ(latest[i].process.pid, kDeaths - i);
    }
}

} // namespace
} // namespace knell

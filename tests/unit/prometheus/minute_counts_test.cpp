#include "exporters/prometheus/minute_counts.hpp"

#include <gtest/gtest.h>

namespace knell {
namespace {

constexpr Nanoseconds kMinute = MinuteCounts::kMinute;
constexpr std::size_t kLast = MinuteCounts::kMinutes - 1;

std::uint64_t crashes(const ReasonCounts& counts) {
    return counts[static_cast<std::size_t>(Reason::crash)];
}

std::uint64_t sum(const MinuteCounts::Series& series) {
    std::uint64_t sum = 0;
    for (const ReasonCounts& minute : series) {
        for (const std::uint64_t count : minute) {
            sum += count;
        }
    }
    return sum;
}

TEST(MinuteCounts, TheMinuteOfNowIsTheLast) {
    MinuteCounts counts;
    counts.add(600 * kMinute, Reason::crash, 1);
    counts.add(601 * kMinute - 1, Reason::crash, 2);
    counts.add(601 * kMinute, Reason::crash, 4);
    counts.add(601 * kMinute, Reason::signal, 8);
    const auto series = counts.series(601 * kMinute + 5 * kSecond);
    EXPECT_EQ(crashes(series[kLast - 1]), 3U);
    EXPECT_EQ(crashes(series[kLast]), 4U);
    EXPECT_EQ(series[kLast][static_cast<std::size_t>(Reason::signal)], 8U);
    EXPECT_EQ(sum(series), 15U);
}

TEST(MinuteCounts, AnHourLaterAMinuteIsForgotten) {
    MinuteCounts counts;
    counts.add(600 * kMinute, Reason::crash, 1);
    EXPECT_EQ(crashes(counts.series(659 * kMinute)[0]), 1U);
    EXPECT_EQ(sum(counts.series(660 * kMinute)), 0U); // though nothing has taken its place
    counts.add(660 * kMinute, Reason::crash, 2);
    EXPECT_EQ(crashes(counts.series(660 * kMinute)[kLast]), 2U);
    EXPECT_EQ(sum(counts.series(660 * kMinute)), 2U);
}

TEST(MinuteCounts, WhatIsToldLateCountsWhereItHappened) {
    MinuteCounts counts;
    counts.add(660 * kMinute, Reason::crash, 1);
    counts.add(630 * kMinute, Reason::crash, 2);
    counts.add(600 * kMinute, Reason::crash, 4); // its place is another minute's
    const auto series = counts.series(660 * kMinute);
    EXPECT_EQ(crashes(series[kLast]), 1U);
    EXPECT_EQ(crashes(series[kLast - 30]), 2U);
    EXPECT_EQ(sum(series), 3U);
}

// A death may come between the reading of the clock and that of the counts.
TEST(MinuteCounts, WhatComesAfterNowIsNotInTheSeries) {
    MinuteCounts counts;
    counts.add(601 * kMinute, Reason::crash, 1);
    EXPECT_EQ(sum(counts.series(601 * kMinute - 1)), 0U);
}

TEST(MinuteCounts, BeginWithTheClock) {
    MinuteCounts counts;
    counts.add(0, Reason::crash, 1);
    counts.add(kMinute, Reason::crash, 2);
    EXPECT_EQ(crashes(counts.series(kMinute)[kLast - 1]), 1U);
    EXPECT_EQ(sum(counts.series(kMinute)), 3U);
}

} // namespace
} // namespace knell

#include "agent/base/clock.hpp"

#include <gtest/gtest.h>

namespace knell {
namespace {

TEST(Clock, ElapsedNeverWrapsAround) {
    EXPECT_EQ(elapsed(100, 350), 250U);
    EXPECT_EQ(elapsed(350, 350), 0U);
    EXPECT_EQ(elapsed(350, 100), 0U);
}

TEST(Clock, MonotonicTimeDoesNotGoBack) {
    const Instant first = monotonic_now();
    const Instant second = monotonic_now();
    EXPECT_GT(first, 0U);
    EXPECT_GE(second, first);
}

TEST(Clock, AnInstantBecomesAMomentOfTheWallClock) {
    const std::uint64_t before = read_clock(CLOCK_REALTIME);
    const std::uint64_t converted = to_unix_ns(monotonic_now());
    const std::uint64_t after = read_clock(CLOCK_REALTIME);
    // The three clocks are read one after the other: the conversion is late by the time between its readings.
    EXPECT_GE(converted + kSecond, before);
    EXPECT_LE(converted, after + kSecond);
}

TEST(Clock, Seconds) {
    EXPECT_DOUBLE_EQ(to_seconds(1'500 * kMillisecond), 1.5);
    EXPECT_DOUBLE_EQ(to_seconds(0), 0.0);
}

} // namespace
} // namespace knell

#include "exporters/jsonl/wall_clock.hpp"

#include <gtest/gtest.h>

namespace knell {
namespace {

TEST(StableUnixNs, OneInstantHasOneAnswer) {
    const Instant instant = monotonic_now();
    const std::uint64_t first = stable_unix_ns(instant);
    for (int i = 0; i < 10'000; ++i) {
        ASSERT_EQ(stable_unix_ns(instant), first);
    }
}

TEST(StableUnixNs, IsTheWallClock) {
    const std::uint64_t before = read_clock(CLOCK_REALTIME);
    const std::uint64_t answer = stable_unix_ns(monotonic_now());
    const std::uint64_t after = read_clock(CLOCK_REALTIME);
    EXPECT_GE(answer + kMillisecond, before);
    EXPECT_LE(answer, after + kMillisecond);
}

TEST(StableUnixNs, KeepsDistances) {
    EXPECT_EQ(stable_unix_ns(5 * kSecond) - stable_unix_ns(2 * kSecond), 3 * kSecond);
}

} // namespace
} // namespace knell

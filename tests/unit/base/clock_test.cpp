#include "agent/base/clock.hpp"

#include <gtest/gtest.h>

#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <ctime>

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
    EXPECT_GE(converted, before);
    EXPECT_LE(converted, after);
    EXPECT_EQ(to_unix_ns(5 * kSecond) - to_unix_ns(2 * kSecond), 3 * kSecond);
}

// Who reads the lines of two agents tells by {pid, start_time} what both have told. Ticks come between the readings.
TEST(Clock, OneInstantHasOneTimeInAllProcesses) {
    constexpr int kReadings = 1'000'000;
    const std::uint64_t mine = to_unix_ns(kSecond);
    const pid_t other = ::fork();
    ASSERT_NE(other, -1);
    if (other == 0) {
        for (int i = 0; i < kReadings; ++i) {
            if (to_unix_ns(kSecond) != mine) {
                ::_exit(EXIT_FAILURE);
            }
        }
        ::_exit(EXIT_SUCCESS);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(other, &status, 0), other);
    EXPECT_EQ(status, 0);
}

TEST(Clock, Seconds) {
    EXPECT_DOUBLE_EQ(to_seconds(1'500 * kMillisecond), 1.5);
    EXPECT_DOUBLE_EQ(to_seconds(0), 0.0);
}

} // namespace
} // namespace knell

#include "agent/cli/distribution.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace knell {
namespace {

TEST(Distribution, EmptySaysNothing) {
    const Distribution none;
    EXPECT_EQ(none.count(), 0U);
    EXPECT_EQ(none.percentile(0.5), 0U);
    EXPECT_EQ(none.mean(), 0U);
    EXPECT_EQ(none.most(), 0U);
}

TEST(Distribution, PercentilesAreAtMostThreePercentTooHigh) {
    Distribution all;
    constexpr std::uint64_t kCount = 100'000;
    for (std::uint64_t value = 1; value <= kCount; ++value) {
        all.add(value);
    }
    for (const double share : {0.001, 0.1, 0.5, 0.9, 0.99, 0.999}) {
        const double exact = share * kCount;
        EXPECT_GE(static_cast<double>(all.percentile(share)), exact) << share;
        EXPECT_LE(static_cast<double>(all.percentile(share)), exact * 1.032 + 1) << share;
    }
    EXPECT_EQ(all.percentile(1), kCount);
    EXPECT_EQ(all.most(), kCount);
    EXPECT_EQ(all.mean(), kCount / 2);
}

TEST(Distribution, FewValuesHaveTheirRanks) {
    Distribution ten;
    for (std::uint64_t value = 1; value <= 10; ++value) {
        ten.add(value);
    }
    EXPECT_EQ(ten.percentile(0.5), 5U);
    EXPECT_EQ(ten.percentile(0.9), 9U);
    EXPECT_EQ(ten.percentile(0.99), 10U);
    EXPECT_EQ(ten.percentile(0), 1U);
}

TEST(Distribution, HasRoomForEveryValue) {
    for (const std::uint64_t value :
         {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{31}, std::uint64_t{32}, std::uint64_t{63},
          std::uint64_t{64}, std::uint64_t{1} << 40, std::numeric_limits<std::uint64_t>::max()}) {
        Distribution one;
        one.add(value);
        EXPECT_EQ(one.percentile(0.5), value);
        EXPECT_EQ(one.most(), value);
    }
}

} // namespace
} // namespace knell

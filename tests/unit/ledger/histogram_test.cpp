#include "agent/ledger/histogram.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace knell {
namespace {

TEST(HistogramBounds, ArePowersOfFourFromOneMicrosecond) {
    EXPECT_EQ(kBucketBounds.front(), 1'000U);
    EXPECT_EQ(kBucketBounds.back(), 16'777'216'000U);
    for (std::size_t i = 1; i < kBucketBounds.size(); ++i) {
        EXPECT_EQ(kBucketBounds[i], 4 * kBucketBounds[i - 1]);
    }
}

// Prometheus buckets are "less than or equal": the bound itself belongs to its bucket, one nanosecond more does not.
TEST(HistogramBounds, AreInclusive) {
    for (std::size_t i = 0; i < kFiniteBuckets; ++i) {
        EXPECT_EQ(bucket_of(kBucketBounds[i]), i) << kBucketBounds[i];
        EXPECT_EQ(bucket_of(kBucketBounds[i] - 1), i) << kBucketBounds[i] - 1;
        EXPECT_EQ(bucket_of(kBucketBounds[i] + 1), i + 1) << kBucketBounds[i] + 1;
    }
}

TEST(HistogramBounds, HoldEveryDuration) {
    EXPECT_EQ(bucket_of(0), 0U);
    EXPECT_EQ(bucket_of(std::numeric_limits<Nanoseconds>::max()), kFiniteBuckets);
}

TEST(Histogram, CountsAndSums) {
    Histogram histogram;
    histogram.observe(900);
    histogram.observe(5 * kMicrosecond);
    histogram.observe(5 * kMicrosecond);
    histogram.observe(60 * kSecond);
    const HistogramSnapshot snapshot = histogram.snapshot();
    EXPECT_EQ(snapshot.counts[0], 1U);
    EXPECT_EQ(snapshot.counts[2], 2U);
    EXPECT_EQ(snapshot.counts[kFiniteBuckets], 1U);
    EXPECT_EQ(snapshot.count(), 4U);
    EXPECT_EQ(snapshot.sum, 900 + 10 * kMicrosecond + 60 * kSecond);
}

TEST(LazyHistogram, IsAbsentUntilCreated) {
    LazyHistogram lazy;
    EXPECT_EQ(lazy.get(), nullptr);
    lazy.create().observe(1);
    ASSERT_NE(lazy.get(), nullptr);
    EXPECT_EQ(lazy.get()->snapshot().count(), 1U);
}

} // namespace
} // namespace knell

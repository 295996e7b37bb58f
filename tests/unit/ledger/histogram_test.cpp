#include "agent/ledger/histogram.hpp"
#include "agent/ledger/lazy.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <limits>
#include <thread>

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
    Histogram histogram(1);
    for (const Nanoseconds duration : {Nanoseconds{900}, 5 * kMicrosecond, 5 * kMicrosecond, 60 * kSecond}) {
        histogram.observe(duration, {}, 2);
    }
    const HistogramSnapshot snapshot = histogram.snapshot();
    EXPECT_EQ(snapshot.counts[0], 1U);
    EXPECT_EQ(snapshot.counts[2], 2U);
    EXPECT_EQ(snapshot.counts[kFiniteBuckets], 1U);
    EXPECT_EQ(snapshot.count(), 4U);
    EXPECT_EQ(snapshot.sum, 900 + 10 * kMicrosecond + 60 * kSecond);
}

TEST(Histogram, KeepsTheLastOfEachBucket) {
    Histogram histogram(1);
    histogram.observe(900, {.pid = 4, .comm = "first"}, 10);
    histogram.observe(800, {.pid = 5, .comm = "a-name-of-15-by"}, 20);
    histogram.observe(60 * kSecond, {.pid = 6, .comm = "slow"}, 30);
    const std::optional<Exemplar> last = histogram.exemplars()[0].read();
    ASSERT_TRUE(last);
    EXPECT_EQ(last->pid, 5U);
    EXPECT_EQ(last->comm, "a-name-of-15-by");
    EXPECT_EQ(last->time, 20U);
    EXPECT_EQ(last->value, 800U);
    EXPECT_FALSE(histogram.exemplars()[1].read());
    EXPECT_EQ(histogram.exemplars()[kFiniteBuckets].read().value_or(Exemplar{}).comm, "slow");
}

TEST(Exemplar, IsOfOneProcessWhileItIsWritten) {
    ExemplarCell cell;
    std::atomic<bool> stop = false;
    std::thread writer([&] {
        for (std::uint32_t i = 1; !stop; ++i) {
            cell.set({.pid = i, .comm = std::string(15, static_cast<char>('a' + i % 26))}, i, 2ULL * i);
        }
    });
    int seen = 0;
    for (int tries = 0; seen < 1000 && tries < 10'000'000; ++tries) {
        if (const std::optional<Exemplar> last = cell.read()) {
            ++seen;
            ASSERT_EQ(last->time, last->pid);
            ASSERT_EQ(last->value, 2ULL * last->pid);
            ASSERT_EQ(last->comm, std::string(15, static_cast<char>('a' + last->pid % 26)));
        }
    }
    stop = true;
    writer.join();
    EXPECT_EQ(seen, 1000);
}

TEST(Lazy, IsAbsentUntilCreated) {
    Lazy<int> lazy;
    EXPECT_EQ(lazy.get(), nullptr);
    lazy.create(1);
    ASSERT_NE(lazy.get(), nullptr);
    EXPECT_EQ(*lazy.get(), 1);
}

} // namespace
} // namespace knell

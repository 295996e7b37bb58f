#pragma once

#include "agent/base/clock.hpp"
#include "agent/base/counter.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace knell {

// Upper bounds of the buckets, inclusive: powers of four from 1 us to 16.8 s. Every duration that the agent measures
// fits: a pidfd's wake-up takes microseconds, a graceful stop many seconds; a factor of four tells those apart with
// few series.
inline constexpr std::size_t kFiniteBuckets = 13;
inline constexpr std::size_t kBuckets = kFiniteBuckets + 1; // the last one has no bound
inline constexpr std::array<Nanoseconds, kFiniteBuckets> kBucketBounds = [] {
    std::array<Nanoseconds, kFiniteBuckets> bounds{};
    for (std::size_t i = 0; i < bounds.size(); ++i) {
        bounds[i] = kMicrosecond << (2 * i);
    }
    return bounds;
}();

// The bucket that a duration falls into.
std::size_t bucket_of(Nanoseconds duration);

// What a reader saw of a histogram. Buckets are not cumulative.
struct HistogramSnapshot {
    std::array<std::uint64_t, kBuckets> counts{};
    Nanoseconds sum = 0;
    [[nodiscard]] std::uint64_t count() const;
};

// Durations by size. One thread observes, any thread takes snapshots.
class Histogram {
  public:
    void observe(Nanoseconds duration);
    // Taken while the writer goes on: `sum` may be one observation ahead of or behind the buckets, which agree among
    // themselves because the count is their sum.
    [[nodiscard]] HistogramSnapshot snapshot() const;

  private:
    std::array<Counter, kBuckets> counts_;
    Counter sum_;
};

// A histogram that takes no memory until its first sample: most workloads are never stopped and rarely reaped late.
class LazyHistogram {
  public:
    LazyHistogram() = default;
    LazyHistogram(const LazyHistogram&) = delete;
    LazyHistogram& operator=(const LazyHistogram&) = delete;
    ~LazyHistogram();

    // Any thread. Null until create().
    [[nodiscard]] const Histogram* get() const { return histogram_.load(std::memory_order_acquire); }
    // The writer's.
    [[nodiscard]] Histogram* get() { return histogram_.load(std::memory_order_relaxed); }
    Histogram& create();

  private:
    std::atomic<Histogram*> histogram_{nullptr};
};

} // namespace knell

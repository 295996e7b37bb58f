#pragma once

#include "agent/base/clock.hpp"
#include "agent/base/counter.hpp"
#include "agent/ledger/exemplar.hpp"

#include <array>
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
    // `created`: just before its first observation.
    explicit Histogram(Instant created) : created_(created) {}

    // `process` took this long, until `time`.
    void observe(Nanoseconds duration, const ProcessIdentity& process, Instant time);

    [[nodiscard]] Instant created() const { return created_; }
    // Taken while the writer goes on: `sum` may be one observation ahead of or behind the buckets, which agree among
    // themselves because the count is their sum.
    [[nodiscard]] HistogramSnapshot snapshot() const;
    // The last process in each bucket.
    [[nodiscard]] const std::array<ExemplarCell, kBuckets>& exemplars() const { return exemplars_; }

  private:
    const Instant created_;
    std::array<ExemplarCell, kBuckets> exemplars_;
    std::array<Counter, kBuckets> counts_;
    Counter sum_;
};

} // namespace knell

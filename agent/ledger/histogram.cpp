#include "agent/ledger/histogram.hpp"

#include <algorithm>
#include <bit>
#include <numeric>

namespace knell {

std::size_t bucket_of(Nanoseconds duration) {
    // Bounds are whole microseconds, so rounding up to microseconds keeps "<= bound" exact.
    const std::uint64_t micros = duration / kMicrosecond + (duration % kMicrosecond != 0 ? 1 : 0);
    if (micros <= 1) {
        return 0;
    }
    // The smallest k with micros <= 4^k: half the bits of (micros - 1), rounded up.
    const auto k = static_cast<std::size_t>(std::bit_width(micros - 1) + 1) / 2;
    return std::min(k, kFiniteBuckets);
}

std::uint64_t HistogramSnapshot::count() const {
    return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

void Histogram::observe(Nanoseconds duration, const ProcessIdentity& process, Instant time) {
    const std::size_t bucket = bucket_of(duration);
    counts_[bucket].add();
    sum_.add(duration);
    exemplars_[bucket].set(process, time, duration);
}

HistogramSnapshot Histogram::snapshot() const {
    HistogramSnapshot snapshot;
    for (std::size_t i = 0; i < kBuckets; ++i) {
        snapshot.counts[i] = counts_[i].value();
    }
    snapshot.sum = sum_.value();
    return snapshot;
}

} // namespace knell

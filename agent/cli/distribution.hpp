#pragma once

#include "agent/base/clock.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace knell {

// Durations of any number in fixed memory: each octave is divided in 32, so a percentile is at most 3 % too high.
class Distribution {
  public:
    void add(Nanoseconds value) {
        ++counts_[bucket_of(value)];
        ++count_;
        sum_ += value;
        most_ = value > most_ ? value : most_;
    }

    [[nodiscard]] std::uint64_t count() const { return count_; }
    [[nodiscard]] Nanoseconds most() const { return most_; }
    [[nodiscard]] Nanoseconds mean() const { return count_ == 0 ? 0 : sum_ / count_; }

    // `share` of 1. 0 when empty.
    [[nodiscard]] Nanoseconds percentile(double share) const {
        const auto rank = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
        std::uint64_t seen = 0;
        for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
            seen += counts_[bucket];
            if (seen != 0 && (seen >= rank || seen == count_)) {
                return upper_bound(bucket) < most_ ? upper_bound(bucket) : most_;
            }
        }
        return 0;
    }

  private:
    static constexpr unsigned kBits = 5; // of an octave's division
    static constexpr std::size_t kBuckets = std::size_t{65 - kBits} << kBits;

    // Values below 32 have a bucket each; above, an octave has its first bit, and the five behind it say which part.
    static std::size_t bucket_of(Nanoseconds value) {
        const auto width = static_cast<unsigned>(std::bit_width(value));
        if (width <= kBits) {
            return static_cast<std::size_t>(value);
        }
        const unsigned shift = width - kBits - 1;
        return (std::size_t{shift} << kBits) + static_cast<std::size_t>(value >> shift);
    }

    static Nanoseconds upper_bound(std::size_t bucket) {
        if (bucket < (std::size_t{2} << kBits)) {
            return bucket;
        }
        const std::size_t shift = (bucket >> kBits) - 1;
        const std::uint64_t part = (bucket & ((std::size_t{1} << kBits) - 1)) + (std::uint64_t{1} << kBits);
        return ((part + 1) << shift) - 1;
    }

    std::array<std::uint64_t, kBuckets> counts_{};
    std::uint64_t count_ = 0;
    Nanoseconds sum_ = 0;
    Nanoseconds most_ = 0;
};

} // namespace knell

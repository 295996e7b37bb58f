#pragma once

#include "agent/base/clock.hpp"
#include "agent/cause/reason.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace knell {

// How many processes ended, by Reason.
using ReasonCounts = std::array<std::uint64_t, kReasonCount>;

// Deaths by reason in each of the last 60 minutes. A minute is written into the place of the one an hour before it when
// its first death comes: no timer, and nothing to do in minutes without deaths.
class MinuteCounts {
  public:
    static constexpr std::size_t kMinutes = 60;
    static constexpr Nanoseconds kMinute = 60 * kSecond;
    using Series = std::array<ReasonCounts, kMinutes>;

    // `time` need not go forwards: what is told late counts where it happened, unless that is too long ago.
    void add(Instant time, Reason reason, std::uint64_t count);

    // The oldest minute first; the last one is that of `now`, which is not over.
    [[nodiscard]] Series series(Instant now) const;

  private:
    struct Minute {
        std::uint64_t number = 0; // since the clock's zero
        ReasonCounts exits{};
    };
    std::array<Minute, kMinutes> minutes_;
};

} // namespace knell

#include "exporters/jsonl/wall_clock.hpp"

#include <atomic>

namespace knell {

namespace {

// NTP slews both clocks alike, so their offset changes only when CLOCK_REALTIME is set (clock_gettime(2)). A step
// smaller than this goes unnoticed; it also is how far a stamp can be off.
constexpr std::uint64_t kToleratedStep = 100 * kMicrosecond;

// The true offset lies within these two, however long the thread was off the CPU between the readings. Offsets are
// differences modulo 2^64 in case CLOCK_REALTIME was never set and stands before the monotonic clock.
struct Bracket {
    std::uint64_t low;
    std::uint64_t width;
};

Bracket measure_offset() {
    const Instant before = monotonic_now();
    const std::uint64_t unix_ns = read_clock(CLOCK_REALTIME);
    const Instant after = monotonic_now();
    return {unix_ns - after, after - before};
}

} // namespace

std::uint64_t stable_unix_ns(Instant instant) {
    static std::atomic<std::uint64_t> kept{measure_offset().low};
    const Bracket bracket = measure_offset();
    std::uint64_t offset = kept.load(std::memory_order_relaxed);
    if (offset - (bracket.low - kToleratedStep) > bracket.width + 2 * kToleratedStep) {
        offset = bracket.low + bracket.width / 2;
        kept.store(offset, std::memory_order_relaxed);
    }
    return offset + instant;
}

} // namespace knell

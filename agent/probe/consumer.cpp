#include "agent/probe/consumer.hpp"

#include <algorithm>
#include <atomic>

namespace knell {

void Consumer::note_drain(Instant now, std::size_t count) {
    // An empty drain ends the storm: back to being woken by the next exit.
    const bool storm = count > 0 && (count > kFewRecords || elapsed(last_records_, now) < coalesce_);
    storm_drains_ = storm ? storm_drains_ + 1 : 0;
    if (count > 0) {
        last_records_ = now;
    }
}

std::optional<Nanoseconds> Consumer::may_sleep() {
    if (storm_drains_ > 0 && coalesce_ > 0) {
        return storm_drains_ > kLongStorm ? kLongStormFactor * coalesce_ : coalesce_;
    }
    // Arm, then look once more. The fence keeps the load of the producers' position behind the store: a producer that
    // saw armed == 0 has reserved its record before, and we see it.
    __atomic_store_n(&control_.armed, 1, __ATOMIC_RELAXED);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (ring_.used_bytes() > 0) {
        __atomic_store_n(&control_.armed, 0, __ATOMIC_RELAXED);
        return 0;
    }
    if (__atomic_load_n(&control_.spilled, __ATOMIC_RELAXED) != 0 ||
        __atomic_load_n(&control_.births_lost, __ATOMIC_RELAXED) != 0) {
        __atomic_store_n(&control_.armed, 0, __ATOMIC_RELAXED);
        return std::max(coalesce_, kMillisecond);
    }
    return std::nullopt;
}

} // namespace knell

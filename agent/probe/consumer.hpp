#pragma once

#include "agent/base/clock.hpp"
#include "agent/probe/ring.hpp"

#include "bpf/events.h"

#include <limits>
#include <optional>

namespace knell {

// The consumer's half of the adaptive wake-up (bpf/wakeup.bpf.h has the producers'): when may the thread sleep, and who
// wakes it. Loop thread.
//
// Quiet node: armed, the next death wakes us within microseconds. Storm: we stay off the producers' backs, sleep
// `coalesce` at a time and drain what gathered.
class Consumer {
  public:
    // More records than this in one drain, or two drains with records within `coalesce`, are a storm.
    static constexpr std::size_t kFewRecords = 16;

    // A storm that lasts for so many drains is a long one: then we sleep so many times `coalesce`. A wake-up costs the
    // thread some 25 us on a virtual machine, which at one a millisecond was half of the agent's time in a storm.
    static constexpr std::uint32_t kLongStorm = 16;
    static constexpr Nanoseconds kLongStormFactor = 4;

    // Both outlive the consumer. `control` is shared with the kernel.
    Consumer(Ring& ring, knell_control& control, Nanoseconds coalesce)
        : ring_(ring), control_(control), coalesce_(coalesce) {}

    // Gives all records that are in the ring when this begins: bounded by its size, some ten milliseconds. Not in
    // smaller batches: what the loop dispatches after it (the end of a process, its reap) was recorded before, and must
    // not overtake its record.
    template <typename Handler>
    void drain(Instant now, Handler&& handler) {
        // Awake: producers need not wake us until may_sleep() says so again.
        __atomic_store_n(&control_.armed, 0, __ATOMIC_RELAXED);
        const std::size_t count = ring_.drain(std::numeric_limits<std::size_t>::max(), handler);
        note_drain(now, count);
    }

    // How long the thread may sleep: 0 = there is more already, nullopt = until woken. While exits wait in the spill,
    // or births were lost, it does not sleep for long: the caller sees to them when it is time
    // (Observer::make_up_for_losses()).
    std::optional<Nanoseconds> may_sleep();

  private:
    void note_drain(Instant now, std::size_t count);

    Ring& ring_;
    knell_control& control_;
    Nanoseconds coalesce_;
    Instant last_records_ = 0;       // when a drain last found any
    std::uint32_t storm_drains_ = 0; // in a row; 0 = no storm
};

} // namespace knell

#pragma once

#include "agent/base/clock.hpp"

#include <cstdint>

namespace knell {

// Nanoseconds since the Unix epoch for an Instant, the same number whenever it is asked about the same instant.
// to_unix_ns() measures the offset between the two clocks anew each time, so its answers for one instant differ by
// the time between two clock readings; but {pid, start_time} in an "exit" line must equal that in the "reap" line.
// Any thread.
std::uint64_t stable_unix_ns(Instant instant);

} // namespace knell

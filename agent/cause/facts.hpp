#pragma once

#include "bpf/events.h"

#include <cstdint>
#include <optional>

namespace knell {

// What is known about how a process ended, before anybody judges it. Filled from an exit record, or, without BPF, from
// the wait status alone.
struct ExitFacts {
    std::optional<int> status;     // wait status as the parent sees it; absent: nobody could tell
    std::uint32_t exit_flags = 0;  // enum knell_exit_flag
    bool signals_observed = false; // false: the signal program is not attached, `fatal` says nothing
    knell_signal fatal{};          // time_ns == 0: none seen
    int stop_signal = 0;           // the first signal that asked it to stop; 0 = nobody asked
};

} // namespace knell

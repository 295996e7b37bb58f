#pragma once

#include "bpf/events.h"

#include <cstdint>
#include <optional>

namespace knell {

// What is known about how a process ended, before anybody judges it. Filled from an exit record, or, without BPF, from
// the wait status alone.
struct ExitFacts {
    std::optional<int> status;    // wait status as the parent sees it; absent: nobody could tell
    std::uint32_t exit_flags = 0; // enum knell_exit_flag
    std::uint32_t pid = 0;
    bool signals_observed = false; // false: the signal program is not attached, `fatal` says nothing
    knell_signal fatal{};          // time_ns == 0: none seen
    std::uint64_t first_term_ns = 0;
    std::uint64_t cgroup_id = 0;    // of the victim, to tell "same container"
    std::uint64_t cgroup_v1_id = 0; // of the victim
};

} // namespace knell

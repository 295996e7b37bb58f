#pragma once

#include "agent/cause/verdict.hpp"
#include "bpf/events.h"

#include <string_view>

namespace knell {

// Where the sender of the fatal signal lived, next to its victim. Whoever knows places (attribution) fills it; the
// default says that nobody does.
struct SenderPlace {
    bool known = false;                // false: the sender's cgroup could not be resolved, the rest says nothing
    bool same_place_as_victim = false; // the same container, or the same unit
    bool in_container = false;
    bool victim_in_container = false;
    // Unit of the system's service manager, empty if none. Never a unit of a user's manager or of a delegated subtree:
    // there a user picks the name.
    std::string_view unit = {};
};

// Who is behind a death by signal. `fatal` is the record of the signal that the process died of, nullptr when there is
// none. Pure; any thread.
Killer find_killer(Reason reason, const knell_signal* fatal, const SenderPlace& place);

} // namespace knell

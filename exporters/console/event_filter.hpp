#pragma once

#include "agent/event/event.hpp"

#include <string>
#include <vector>

namespace knell {

// Which events to show. All conditions that are set must hold.
struct EventFilter {
    bool exits = true;
    bool execs = false;
    bool reaps = false; // not with `reasons`: which death one ends is not kept
    bool pidfds = false;
    std::vector<Reason> reasons; // of exits; execs and pidfds pass. Empty = all
    std::string comm_glob;       // empty = all
    std::string container_glob;  // container name; empty = all. A process outside of containers never matches a glob

    [[nodiscard]] bool matches(const Event& event) const;
};

} // namespace knell

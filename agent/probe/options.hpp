#pragma once

#include "agent/base/clock.hpp"

#include <csignal>
#include <cstdint>
#include <vector>

namespace knell {

struct RingOptions {
    std::uint64_t size_bytes = 8ULL << 20; // a power of two, at least 64 KiB
    Nanoseconds coalesce = kMillisecond;   // how long a drain in a storm lets records gather
    bool operator==(const RingOptions&) const = default;
};

struct ProbeOptions {
    RingOptions ring{};
    Nanoseconds late_wakeup = 100 * kMillisecond; // how long fork and exec records may wait when nobody dies
    // Ask a process to stop, and the first of them starts the clock of a termination. Not SIGCHLD, which is not looked
    // at.
    std::vector<int> stop_signals{SIGTERM};
    bool pidfd_creation = true; // count the pidfds that others than this process make
    bool record_pidfds = false; // and write a record of each

    // Found out by who loads it.
    std::uint32_t slots = 65536;     // capacity of the watch pool
    bool read_cgroup_v1 = false;     // the host mounts the memory controller as cgroup v1
    std::uint32_t pid_namespace = 0; // whose numbers records have: see own_pid_namespace()
};

} // namespace knell

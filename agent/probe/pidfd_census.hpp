#pragma once

#include "agent/base/clock.hpp"
#include "agent/base/result.hpp"

#include "bpf/events.h"

#include <cstdint>
#include <vector>

namespace knell {

struct CensusOptions {
    std::uint32_t max_rows = 65536;
    Nanoseconds max_time = 500 * kMillisecond; // one read of the kernel may go past it: a million descriptors, 0.1 s
    bool read_cgroup_v1 = false;               // as in ProbeOptions
    std::uint32_t pid_namespace = 0;           // as in ProbeOptions
};

struct PidfdCensus {
    std::vector<knell_held_pidfd> held; // by ascending number of the holder
    bool complete = true;               // false: one of the limits was reached
};

// All open pidfds of the machine, each once whoever inherited it; the caller's own are among them. Blocks: loads a BPF
// object, goes through every descriptor of every process, and lets go of it. Any thread.
// Fails where the kernel has no BPF iterators (before 5.8) or refuses them, and before Linux 6.9, where a pidfd is told
// by an address, where /proc/kallsyms hides it.
Result<PidfdCensus> take_pidfd_census(const CensusOptions& options);

} // namespace knell

#pragma once

#include "agent/base/clock.hpp"

#include <array>
#include <cstdint>
#include <string>

namespace knell {

// One thing that the agent can observe, and by which means.
struct Feature {
    std::string name;    // "exit", "signal", "fork", "exec", "oom_scope", "watch", "event_loop", ...
    std::string hook;    // "tp_btf/sched_process_exit(task, group_dead)"; empty when it is off
    std::string why_not; // why a better hook, or any, is not in use; empty when nothing is missing
    std::string remedy;  // what would turn it on
    [[nodiscard]] bool on() const { return !hook.empty(); }
};

// What the kernel side counted (enum knell_counter in bpf/events.h), summed over the CPUs. Zero without BPF.
struct KernelCounts {
    std::uint64_t exits_seen = 0;
    std::uint64_t exits_delivered = 0;
    std::uint64_t exits_spilled = 0;
    std::uint64_t exits_unaccounted = 0;
    std::uint64_t exits_outside = 0; // of our pid namespace
    std::uint64_t forks = 0;
    std::uint64_t forks_dropped = 0;
    std::uint64_t execs = 0;
    std::uint64_t execs_dropped = 0;
    std::uint64_t wakeups_armed = 0;
    std::uint64_t wakeups_high_water = 0;
    std::uint64_t wakeups_late = 0;
    std::uint64_t wakeups_spill = 0;
    std::uint64_t signals = 0;
    std::uint64_t marks_failed = 0;
    std::array<std::uint64_t, 4> pidfds{}; // created, by enum knell_pidfd_via
    std::uint64_t pidfds_dropped = 0;
};

// Kernel memory of one BPF map. Not what is attached to processes: an element of a task storage is the process's.
struct MapMemory {
    std::string map;
    std::uint64_t bytes = 0;
};

// One BPF program's run-time statistics; the kernel counts only while kernel.bpf_stats_enabled is set.
struct ProgramStats {
    std::string name;
    std::uint64_t runs = 0;
    Nanoseconds time = 0;
    std::uint64_t recursion_misses = 0; // runs that the kernel skipped because the program was active on that CPU
};

} // namespace knell

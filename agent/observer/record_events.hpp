#pragma once

#include "agent/cause/explain.hpp"
#include "agent/cause/facts.hpp"
#include "agent/event/event.hpp"

#include "bpf/events.h"

#include <memory>
#include <optional>

namespace knell {

// What the kernel's records say, in the words of events. Pure; any thread.

ProcessIdentity identify(const knell_process& process, std::shared_ptr<const Place> place);

ExitFacts facts_of(const knell_exit& record, bool observes_signals);

struct CpuTime {
    Nanoseconds user = 0;
    Nanoseconds system = 0;
    bool operator==(const CpuTime&) const = default;
};

// Splits `run`, which the scheduler measured, in the proportion of the times that were sampled at clock ticks: what
// getrusage(2) and /proc/PID/stat show (kernel/sched/cputime.c, cputime_adjust()). A process that no tick met ran in
// user mode.
CpuTime adjust_cpu_time(CpuTime sampled, Nanoseconds run);

Resources resources_of(const knell_exit& record);

PidfdOpen pidfd_open_of(const knell_pidfd& record, std::shared_ptr<const Place> opener_place);

} // namespace knell

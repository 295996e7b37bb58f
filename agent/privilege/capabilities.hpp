#pragma once

#include "agent/base/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace knell {

// A capability that knell makes use of.
struct CapabilityUse {
    std::string_view name; // as setcap(8) writes it
    std::string_view purpose;
    bool held = false; // effective in the calling thread
};

// All of them, the weightiest first.
std::vector<CapabilityUse> capability_uses();

struct RunningNeeds {
    // Files of /proc that only a tracer may read: CAP_SYS_PTRACE stays.
    bool guarded_proc = false;
};

// Leaves the calling thread, and those that it will start, what a running agent needs: CAP_DAC_READ_SEARCH, CAP_BPF
// where the kernel asks for it at every bpf() (before 5.19), CAP_SYS_PTRACE as said. Empties the bounding set where
// CAP_SETPCAP allows; without it forbid_new_privileges() has to do. Answers the names of what is left.
Result<std::vector<std::string_view>> drop_capabilities(const RunningNeeds& needs);

// No program that the calling thread, or one that it starts, executes will have more privileges than it has.
Result<> forbid_new_privileges();

} // namespace knell

#pragma once

#include "agent/base/result.hpp"

#include "bpf/events.h"

#include <cstdint>
#include <span>

namespace knell {

// The memory in which the kernel writes the end of a tagged process; Probe has the real one.
class Slots {
  public:
    virtual ~Slots() = default;
    // Written by the kernel at any time: read it with read_slot().
    [[nodiscard]] virtual std::span<knell_slot> slots() = 0;
    // Tags the process behind `pidfd` so that its end is written to slots()[slot]. Clear the slot first. The kernel
    // takes the pidfd as the key of a task storage map, so a recycled pid cannot be meant. ESRCH: the process is gone.
    virtual Result<> tag(int pidfd, std::uint32_t slot) = 0;
    // Takes the tag off a process that is still alive, before its slot is used for another.
    virtual void untag(int pidfd) = 0;
};

// The kernel writes exit_ns before notify_ns, and each field at once.
inline knell_slot read_slot(const knell_slot& shared) {
    knell_slot copy{};
    copy.exit_ns = __atomic_load_n(&shared.exit_ns, __ATOMIC_ACQUIRE);
    copy.notify_ns = __atomic_load_n(&shared.notify_ns, __ATOMIC_RELAXED);
    return copy;
}

} // namespace knell

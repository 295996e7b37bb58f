#pragma once

#include "agent/base/result.hpp"
#include "agent/pidfd/pidfd.hpp"
#include "agent/probe/probe.hpp"

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>

namespace knell::bench {

// The programs that stamp the ends of so many watched processes, for all contestants alike.
Result<std::unique_ptr<Probe>> load_stamping_programs(std::size_t watches);

// A pidfd of the process; where there are slots, the programs stamp its end in the one with this index.
Result<Pidfd> open_stamped(pid_t pid, Slots* slots, std::uint32_t index);

} // namespace knell::bench

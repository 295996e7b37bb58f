#pragma once

#include "agent/base/result.hpp"
#include "bench/report.hpp"

#include <cstddef>
#include <cstdint>

namespace knell::bench {

struct MassExitOptions {
    std::size_t processes = 8192;
    std::uint32_t repetitions = 4;
};

// Many watched processes are killed at once: how long until the last was collected and handled, and what CPU that took
// the watcher. In turn: nobody watching, knell's pool and its whole agent, bare loops, the kernel's proc connector.
Result<> mass_exit(const MassExitOptions& options, Report& report);

} // namespace knell::bench

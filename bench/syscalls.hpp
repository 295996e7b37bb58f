#pragma once

#include "agent/base/result.hpp"
#include "bench/report.hpp"

#include <cstdint>

namespace knell::bench {

struct SyscallOptions {
    std::uint64_t calls = 2'000'000; // in each round, of a system call that does nothing
    std::uint32_t repetitions = 5;
};

// What the programs that observe pidfds cost those who make none: times a system call that does nothing, with nothing
// attached, with the programs but that one, and with all of them, in turn.
Result<> syscalls(const SyscallOptions& options, Report& report);

} // namespace knell::bench

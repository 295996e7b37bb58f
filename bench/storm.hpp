#pragma once

#include "agent/base/result.hpp"
#include "bench/report.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace knell::bench {

struct StormOptions {
    std::uint64_t exits = 60'000; // of each round
    std::uint32_t workers = 2;    // processes that fork at the same time
    std::uint32_t repetitions = 3;
    std::vector<std::string> ways = {"fork", "vfork",
                                     "spawn"}; // how processes are made; tools are compared in the first
};

// Processes end as fast as the machine can make them, in turn with nothing attached, knell, and each tool that does
// something like it: what each costs, in CPU and in the workload's time, and how many deaths it does not tell.
Result<> storm(const StormOptions& options, Report& report);

} // namespace knell::bench

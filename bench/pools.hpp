#pragma once

#include "agent/base/result.hpp"
#include "bench/report.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace knell::bench {

struct PoolsOptions {
    std::vector<std::size_t> watches = {1000, 100'000};
    std::uint32_t deaths = 300; // of each round, one at a time
    std::uint32_t repetitions = 1;
    std::uint32_t pause_us = 5000; // between two deaths
};

// More watches than one process has descriptors for: pools in as many processes as it takes, each with its own loop
// and its own herd, so that every watch is of another process. Memory for a watch, and how long from the kernel's
// notice of an end to the pool awake.
Result<> pools(const PoolsOptions& options, Report& report);

} // namespace knell::bench

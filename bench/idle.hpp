#pragma once

#include "agent/base/result.hpp"
#include "bench/report.hpp"

#include <cstddef>
#include <cstdint>

namespace knell::bench {

struct IdleOptions {
    std::size_t processes = 10'000;
    std::uint32_t seconds = 10;
};

// The agent beside many watched processes that sleep: how long it took to be ready, what it does meanwhile (turns of
// its loop, switches of its thread, CPU), and what a watch costs in memory, the agent's and the kernel's.
Result<> idle(const IdleOptions& options, Report& report);

} // namespace knell::bench

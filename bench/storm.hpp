#pragma once

#include "agent/base/result.hpp"

#include <cstdint>

namespace knell::bench {

struct StormOptions {
    std::uint64_t exits = 100'000; // in all
    std::uint32_t workers = 2;     // processes that fork at the same time
    std::uint32_t repetitions = 3;
};

// Forks and collects processes as fast as the machine can, with the agent attached and without anything attached, in
// turn, and prints what the agent cost and whether it lost anything.
Result<> storm(const StormOptions& options);

} // namespace knell::bench

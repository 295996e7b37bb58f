#pragma once

#include "agent/base/result.hpp"
#include "bench/report.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace knell::bench {

struct ReactOptions {
    std::vector<std::size_t> watches = {100, 1000, 10'000}; // sizes of the pool
    std::uint32_t deaths = 200;                             // of each round, one at a time
    std::uint32_t repetitions = 4;
    std::uint32_t pause_us = 2000; // between two deaths
};

// How long it takes from the kernel telling the world that a process ended to the watcher being awake, by the number of
// watched processes: knell's pool on its two loops, a bare epoll loop, a bare io_uring loop. One process dies at a
// time.
Result<> react(const ReactOptions& options, Report& report);

} // namespace knell::bench

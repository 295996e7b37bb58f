#pragma once

#include "agent/base/result.hpp"
#include "bench/report.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace knell::bench {

struct ScrapeOptions {
    std::vector<std::size_t> series = {1000, 10'000, 100'000};
    std::uint32_t repetitions = 5;
    std::size_t workloads = 480;   // of the agent that is scraped while processes die: 10,000 series
    std::size_t containers = 1000; // of the agent whose memory is measured
    std::uint32_t deaths = 500;    // while it is scraped, and as many while it is not
};

// What a scrape costs: time and bytes by number of series, beside the registry of prometheus-cpp; how much it delays
// the loop; and the memory of an agent with many workloads.
Result<> scrape(const ScrapeOptions& options, Report& report);

} // namespace knell::bench

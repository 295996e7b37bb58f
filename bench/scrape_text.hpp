#pragma once

#include "bench/report.hpp"

#include <cstddef>
#include <string>

namespace knell::bench {

// Time and size of the text that a scrape of so many series gets: from the agent's ledger, and from a registry of
// prometheus-cpp with as many counters under the same labels.
void time_exposition(const std::string& run, std::size_t series, Report& report);

} // namespace knell::bench

#pragma once

#include "agent/base/clock.hpp"

#include <cstdint>

namespace knell {

struct LedgerLimits {
    bool pod_label = false; // pods are told apart
    // Of all workloads together. Raised to Ledger::kMinSeries when it is less.
    std::uint32_t max_series = 20000;
    Nanoseconds retain = 600 * kSecond; // how long the counts of a workload outlive its last place
    bool operator==(const LedgerLimits&) const = default;
};

} // namespace knell

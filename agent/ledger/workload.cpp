#include "agent/ledger/workload.hpp"

#include <algorithm>
#include <utility>

namespace knell {

std::size_t exit_code_class(int code) {
    constexpr std::array kCodes = {0, 1, 2, 126, 127};
    static_assert(kCodes.size() + 1 == kExitCodeNames.size());
    return static_cast<std::size_t>(std::ranges::find(kCodes, code) - kCodes.begin());
}

Workload::Workload(Labels labels, Instant created) : labels_(std::move(labels)), created_(created) {}

std::size_t Workload::series() const {
    const std::size_t histograms = (reap() != nullptr ? 1U : 0U) + (termination() != nullptr ? 1U : 0U);
    return kFixedSeries + exit_signals_.size() + kills_.size() + histograms * kHistogramSeries;
}

} // namespace knell

#pragma once

#include "exporters/prometheus/family_builder.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>

namespace knell {

// The OpenMetrics 1.0 exposition of the families that `collect` gives to its sink: as to_text() (the same names, labels
// and values), and with units, exemplars and the time when each counter and histogram began. `since` is that time for
// what has none of its own; without it no such time is written, because a Prometheus that does not know how to use
// them keeps each as one more series. `expected_series` sizes the buffer.
std::string to_open_metrics(const std::function<void(const FamilySink&)>& collect, std::size_t expected_series,
                            std::optional<Instant> since);

} // namespace knell

#pragma once

#include "agent/ledger/histogram.hpp"
#include "exporters/prometheus/minute_counts.hpp"
#include "exporters/prometheus/page/data.hpp"
#include "exporters/prometheus/page/html.hpp"

#include <cstdint>

namespace knell {

// Small charts as inline SVG, in the colour of the text around them. Numbers only: nothing that a process could name.

// One reason's deaths in each of the last 60 minutes, scaled to the worst of them. The line below it is as long as
// somebody was looking.
void minutes_chart(Html out, const PageData& data, Reason reason);

// Durations by the histogram's own buckets.
void duration_chart(Html out, const HistogramSnapshot& histogram);

// A part of a whole.
void share_chart(Html out, std::uint64_t part, std::uint64_t whole);

} // namespace knell

#pragma once

#include "exporters/prometheus/page/data.hpp"
#include "exporters/prometheus/page/html.hpp"

namespace knell {

// The sections about how many died.
void render_figures(Html out, const PageData& data); // the few numbers to look at first
void render_reasons(Html out, const PageData& data);

} // namespace knell

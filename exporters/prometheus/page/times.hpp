#pragma once

#include "exporters/prometheus/page/data.hpp"
#include "exporters/prometheus/page/html.hpp"

namespace knell {

// The section about how long it took to end, to be told and to be collected.
void render_times(Html out, const PageData& data);

} // namespace knell

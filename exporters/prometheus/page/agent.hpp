#pragma once

#include "exporters/prometheus/page/data.hpp"
#include "exporters/prometheus/page/html.hpp"

namespace knell {

// The sections about the agent itself.
void render_verdict(Html out, const PageData& data);
void render_health(Html out, const PageData& data);
void render_features(Html out, const PageData& data);

} // namespace knell

#pragma once

#include "exporters/prometheus/page/data.hpp"
#include "exporters/prometheus/page/html.hpp"

namespace knell {

// The sections that tell workloads apart.
void render_kills(Html out, const PageData& data);
void render_zombies(Html out, const PageData& data);

} // namespace knell

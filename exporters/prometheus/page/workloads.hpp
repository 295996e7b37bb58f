#pragma once

#include "exporters/prometheus/page/data.hpp"
#include "exporters/prometheus/page/html.hpp"

namespace knell {

// The sections about those who died.
void render_figures(Html out, const PageData& data); // the few numbers to look at first
void render_reasons(Html out, const PageData& data);
void render_kills(Html out, const PageData& data);
void render_times(Html out, const PageData& data);
void render_zombies(Html out, const PageData& data);

} // namespace knell

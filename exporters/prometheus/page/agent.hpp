#pragma once

#include "exporters/prometheus/page/data.hpp"
#include "exporters/prometheus/page/html.hpp"
#include "exporters/prometheus/page/tone.hpp"

#include <string>
#include <vector>

namespace knell {

// Something about the agent that a reader of its numbers has to know.
struct Concern {
    Tone tone = Tone::warn;
    std::string text;
};

// The worst first. None: every number on the page can be relied on.
std::vector<Concern> concerns(const PageData& data);

// The sections about the agent itself.
void render_verdict(Html out, const PageData& data);
void render_health(Html out, const PageData& data);
void render_features(Html out, const PageData& data);

} // namespace knell

#pragma once

#include "exporters/prometheus/page/data.hpp"
#include "exporters/prometheus/page/html.hpp"

#include <string_view>
#include <vector>

namespace knell {

// A table of single deaths. `id`: what the page's script finds its rows by.
void render_deaths(Html out, const PageData& data, const std::vector<Exit>& deaths, std::string_view id,
                   std::string_view title);

} // namespace knell

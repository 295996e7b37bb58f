#pragma once

#include "exporters/prometheus/page/data.hpp"

#include <string>
#include <string_view>

namespace knell {

// The landing page: HTML that is complete without its script, which fetches it again and again and puts what changed in
// its place. Nothing is loaded from elsewhere, and whatever a process could name is escaped.
std::string render_page(const PageData& data);

// What the page asks for by these names. Files of their own, so that the page's policy can forbid all that stands in
// it.
extern const std::string_view kPageStyle;  // page.css
extern const std::string_view kPageScript; // page.js

} // namespace knell

#pragma once

#include "exporters/prometheus/family_builder.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace knell {

// Prometheus 3 refuses a scrape whose Content-Type does not name the format's version.
inline constexpr std::string_view kTextContentType = "text/plain; version=0.0.4; charset=utf-8";

// The text exposition of the families that `collect` gives to its sink. `expected_series` sizes the buffer.
std::string to_text(const std::function<void(const FamilySink&)>& collect, std::size_t expected_series);

} // namespace knell

#pragma once

#include "exporters/prometheus/family_builder.hpp"

#include <cstddef>
#include <functional>
#include <string>

namespace knell {

// The text exposition of the families that `collect` gives to its sink. `expected_series` sizes the buffer.
std::string to_text(const std::function<void(const FamilySink&)>& collect, std::size_t expected_series);

} // namespace knell

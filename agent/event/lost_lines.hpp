#pragma once

#include "agent/base/counter.hpp"

#include <array>
#include <cstdint>
#include <string_view>

namespace knell {

// Why an event that was to be written as a line was not.
enum class LineLoss : std::uint8_t { slow_reader, reader_gone, no_space, other };
inline constexpr std::array<std::string_view, 4> kLineLossNames = {"slow_reader", "reader_gone", "no_space", "other"};

// How many, by LineLoss. One thread writes, any thread reads.
using LostLines = std::array<Counter, kLineLossNames.size()>;

} // namespace knell

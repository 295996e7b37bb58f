#pragma once

#include <cstdint>

namespace knell::log {

enum class Level : std::uint8_t { debug, info, warn, error };
enum class Format : std::uint8_t { text, json };

} // namespace knell::log

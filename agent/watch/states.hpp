#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace knell {

enum class WatchState : std::uint8_t { candidate, alive, zombie };
inline constexpr std::array<std::string_view, 3> kWatchStateNames = {"candidate", "alive", "zombie"};

// Why a process is not watched.
enum class WatchRefusal : std::uint8_t { full, descriptors, memory, filtered, recycled, gone, other };
inline constexpr std::array<std::string_view, 7> kWatchRefusalNames = {"full",     "descriptors", "memory", "filtered",
                                                                       "recycled", "gone",        "other"};

} // namespace knell

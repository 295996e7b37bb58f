#pragma once

#include <cstdint>

namespace knell {

// What a place is made of.
enum class AttributionMode : std::uint8_t {
    automatic,  // container and pod; the systemd unit where no container is involved
    kubernetes, // container and pod only
    systemd,    // unit only
    none,       // the cgroup path only
};

} // namespace knell

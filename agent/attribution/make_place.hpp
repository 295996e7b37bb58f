#pragma once

#include "agent/attribution/container_names.hpp"
#include "agent/attribution/place.hpp"

#include <cstdint>
#include <string_view>

namespace knell {

// What a place is made of.
enum class AttributionMode : std::uint8_t {
    automatic,  // container and pod; the systemd unit where no container is involved
    kubernetes, // container and pod only
    systemd,    // unit only
    none,       // the cgroup path only
};

// The place that a cgroup path stands for. Every string is valid UTF-8; `cgroup` has at most 512 bytes, the others 253.
// Pure.
Place make_place(std::string_view cgroup_path, AttributionMode mode);

// Puts what a container is called into its place, as valid and as bounded. A name that is not said leaves the id. Pure.
void put_names(const ContainerNames& names, Place& place);

} // namespace knell

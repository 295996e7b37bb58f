#pragma once

#include "agent/attribution/container_names.hpp"
#include "agent/attribution/mode.hpp"
#include "agent/attribution/place.hpp"

#include <string_view>

namespace knell {

// The place that a cgroup path stands for. Every string is valid UTF-8; `cgroup` has at most 512 bytes, the others 253.
// Pure.
Place make_place(std::string_view cgroup_path, AttributionMode mode);

// Puts what a container is called into its place, as valid and as bounded. A name that is not said leaves the id. Pure.
void put_names(const ContainerNames& names, Place& place);

} // namespace knell

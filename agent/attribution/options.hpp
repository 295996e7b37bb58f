#pragma once

#include "agent/attribution/mode.hpp"
#include "agent/attribution/name_paths.hpp"

namespace knell {

struct AttributionOptions {
    AttributionMode mode = AttributionMode::automatic;
    NamePaths names{};
    bool operator==(const AttributionOptions&) const = default;
};

} // namespace knell

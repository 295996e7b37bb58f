#pragma once

#include "agent/cause/holder.hpp"
#include "agent/observer/places.hpp"
#include "agent/probe/pidfd_census.hpp"

#include "bpf/events.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace knell {

using HolderCounts = std::array<std::uint64_t, kHolderClassCount>;

// The rows of a census by the class of their holder. `held` is in the order of the census: the rows of one holder stand
// together. Loop thread.
HolderCounts count_by_holder(const std::vector<knell_held_pidfd>& held, Places& places);

// Who holds pidfds now.
struct HeldPidfds {
    std::optional<HolderCounts> counts; // absent: they could not be counted
    std::string why_not;                // why they could not, or not all of them
};

// Blocks for as long as the census takes. Loop thread.
HeldPidfds count_held_pidfds(const CensusOptions& options, Places& places);

} // namespace knell

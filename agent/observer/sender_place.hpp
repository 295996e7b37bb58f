#pragma once

#include "agent/attribution/place.hpp"
#include "agent/cause/killer.hpp"

namespace knell {

// Where the sender of a signal lived, next to its victim; null = not known. The answer refers to `sender`. Pure.
SenderPlace compare_places(const Place* sender, const Place* victim);

} // namespace knell

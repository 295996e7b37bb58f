#pragma once

#include "agent/event/event.hpp"

namespace knell::fuzz {

// What every exporter of single events promises, whatever is in the event.
void check_event(const Event& event);

} // namespace knell::fuzz

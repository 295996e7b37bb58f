#pragma once

#include "agent/event/event.hpp"

#include <string>

namespace knell {

// The event as one JSON object without a line end. What is not known is absent, times are RFC 3339 with nanoseconds,
// durations are seconds, text is valid UTF-8 whatever the process called itself. A process is the same in two lines
// when `pid` and `start_time` are.
std::string to_json(const Event& event);

} // namespace knell

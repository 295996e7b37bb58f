#pragma once

#include "agent/loop/signals.hpp"

namespace knell {

// Stops the loop at SIGTERM, SIGINT or SIGQUIT, and reports SIGHUP. SIGPIPE is ignored from here on: a reader that goes
// away is an error of that write.
Result<std::unique_ptr<SignalWatch>> stop_on_signals(Loop& loop, std::function<void()> on_hangup);

} // namespace knell

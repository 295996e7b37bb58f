#pragma once

#include "agent/base/result.hpp"
#include "exporters/console/console_sink.hpp"

namespace knell {

// As suits what stands behind the descriptor: a table for a terminal, plain text otherwise.
ConsoleOptions console_options(int fd);

// Gives a slow reader a moment to take what is kept; for the end of a command. A reader that left, such as `head`, has
// what it wanted and is no failure.
Result<> show_the_rest(ConsoleSink& sink);

} // namespace knell

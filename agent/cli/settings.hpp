#pragma once

#include "agent/config/config.hpp"
#include "agent/observer/observer.hpp"

#include <string>
#include <vector>

namespace knell {

// The one place where configuration meets the rooms it configures.

ObserverOptions observer_options(const Config& config);
WatchSelect watch_select(const Config& config);

// What an agent that runs cannot change keeps its value. The keys of what was wanted otherwise.
std::vector<std::string> keep_until_restart(const Config& running, Config& wanted);

} // namespace knell

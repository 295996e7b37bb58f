#pragma once

#include "agent/base/log.hpp"
#include "agent/config/config.hpp"
#include "agent/loop/loop.hpp"
#include "agent/observer/observer.hpp"

#include <string>
#include <vector>

namespace knell {

// The one place where configuration meets the rooms it configures.

ObserverOptions observer_options(const Config& config);
WatchSelect watch_select(const Config& config);
BackendChoice backend_choice(const Config& config);
void configure_log(const Config& config);

// Keys that differ and take effect at the next start only.
std::vector<std::string> keys_that_need_a_restart(const Config& running, const Config& wanted);

} // namespace knell

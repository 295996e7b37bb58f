#include "agent/cli/settings.hpp"

#include <algorithm>

namespace knell {

ObserverOptions observer_options(const Config& config) {
    ObserverOptions options;
    options.probe.ring = config.ring;
    options.probe.stop_signals = config.stop_signals;
    options.probe.pidfd_creation = config.pidfd_creation;
    // A birth that is seen later than this cannot be watched in time.
    options.probe.late_wakeup = std::clamp(config.watch.pool.min_age, kMillisecond, options.probe.late_wakeup);
    options.held_pidfds = config.pidfd_creation;
    options.pool = config.watch.pool;
    options.select = watch_select(config);
    options.attribution = config.attribution;
    options.ledger = config.metrics.limits;
    options.pin = config.state.pin;
    return options;
}

WatchSelect watch_select(const Config& config) {
    return {PatternList(config.watch.select_cgroup), PatternList(config.watch.select_comm)};
}

std::vector<std::string> keep_until_restart(const Config& running, Config& wanted) {
    std::vector<std::string> kept;
    const auto keep = [&kept](const auto& ours, auto& theirs, const char* key) {
        if (theirs != ours) {
            theirs = ours;
            kept.emplace_back(key);
        }
    };
    keep(running.listen, wanted.listen, "listen");
    keep(running.ring, wanted.ring, "ring");
    keep(running.loop_backend, wanted.loop_backend, "loop.backend");
    keep(running.watch.pool.capacity, wanted.watch.pool.capacity, "watch.capacity");
    keep(running.attribution, wanted.attribution, "attribution");
    keep(running.metrics, wanted.metrics, "metrics");
    keep(running.stop_signals, wanted.stop_signals, "stop_signals");
    keep(running.pidfd_creation, wanted.pidfd_creation, "pidfd_creation");
    keep(running.state.pin, wanted.state.pin, "state.pin");
    return kept;
}

} // namespace knell

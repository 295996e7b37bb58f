#include "agent/cli/settings.hpp"

#include <algorithm>

namespace knell {

ObserverOptions observer_options(const Config& config) {
    ObserverOptions options;
    options.ring_bytes = config.ring.size_bytes;
    options.coalesce = config.ring.coalesce;
    options.pool.capacity = config.watch.capacity;
    options.pool.min_age = config.watch.min_age;
    // A birth that is seen later than this cannot be watched in time.
    options.late_wakeup = std::clamp(config.watch.min_age, kMillisecond, options.late_wakeup);
    options.select = watch_select(config);
    options.attribution = config.attribution.mode;
    options.names = config.attribution.names;
    options.stop_signals = config.stop_signals;
    options.pidfd_creation = config.pidfd_creation;
    options.held_pidfds = options.pidfd_creation;
    options.ledger = {config.metrics.pod_label, config.metrics.max_series, config.metrics.retain};
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
    keep(running.watch.capacity, wanted.watch.capacity, "watch.capacity");
    keep(running.attribution, wanted.attribution, "attribution");
    keep(running.metrics, wanted.metrics, "metrics");
    keep(running.stop_signals, wanted.stop_signals, "stop_signals");
    keep(running.pidfd_creation, wanted.pidfd_creation, "pidfd_creation");
    keep(running.state.pin, wanted.state.pin, "state.pin");
    return kept;
}

} // namespace knell

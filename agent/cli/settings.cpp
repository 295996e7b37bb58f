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
    switch (config.attribution.mode) {
    case Config::Attribution::Mode::automatic:
        options.attribution = AttributionMode::automatic;
        break;
    case Config::Attribution::Mode::kubernetes:
        options.attribution = AttributionMode::kubernetes;
        break;
    case Config::Attribution::Mode::systemd:
        options.attribution = AttributionMode::systemd;
        break;
    case Config::Attribution::Mode::none:
        options.attribution = AttributionMode::none;
        break;
    }
    options.names = config.attribution.names;
    options.stop_signals = config.stop_signals;
    options.pidfd_creation = config.pidfd_creation != Config::PidfdCreation::off;
    options.held_pidfds = options.pidfd_creation;
    options.ledger = {config.metrics.pod_label, config.metrics.max_series, config.metrics.retain};
    return options;
}

WatchSelect watch_select(const Config& config) {
    return {PatternList(config.watch.select_cgroup), PatternList(config.watch.select_comm)};
}

BackendChoice backend_choice(const Config& config) {
    switch (config.loop_backend) {
    case Config::LoopBackend::io_uring:
        return BackendChoice::io_uring;
    case Config::LoopBackend::epoll:
        return BackendChoice::epoll;
    default:
        return BackendChoice::automatic;
    }
}

void configure_log(const Config& config) {
    const auto level = [&] {
        switch (config.log.level) {
        case Config::Log::Level::debug:
            return log::Level::debug;
        case Config::Log::Level::warn:
            return log::Level::warn;
        case Config::Log::Level::error:
            return log::Level::error;
        default:
            return log::Level::info;
        }
    }();
    log::configure(level, config.log.format == Config::Log::Format::json ? log::Format::json : log::Format::text);
}

std::vector<std::string> keys_that_need_a_restart(const Config& running, const Config& wanted) {
    std::vector<std::string> keys;
    const auto check = [&keys](bool same, const char* key) {
        if (!same) {
            keys.emplace_back(key);
        }
    };
    check(running.listen == wanted.listen, "listen");
    check(running.ring.size_bytes == wanted.ring.size_bytes && running.ring.coalesce == wanted.ring.coalesce, "ring");
    check(running.loop_backend == wanted.loop_backend, "loop.backend");
    check(running.watch.capacity == wanted.watch.capacity, "watch.capacity");
    check(running.attribution == wanted.attribution, "attribution");
    check(running.metrics == wanted.metrics, "metrics");
    check(running.stop_signals == wanted.stop_signals, "stop_signals");
    check(running.pidfd_creation == wanted.pidfd_creation, "pidfd_creation");
    check(running.state.pin == wanted.state.pin, "state.pin");
    return keys;
}

} // namespace knell

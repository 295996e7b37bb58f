#include "agent/cli/shutdown.hpp"

#include <csignal>

namespace knell {

Result<std::unique_ptr<SignalWatch>> stop_on_signals(Loop& loop, std::function<void()> on_hangup) {
    (void)std::signal(SIGPIPE, SIG_IGN);
    std::vector<int> signals{SIGTERM, SIGINT, SIGQUIT};
    if (on_hangup) {
        signals.push_back(SIGHUP);
    }
    return SignalWatch::make(loop, signals, [&loop, on_hangup = std::move(on_hangup)](int signal, Instant) {
        if (signal == SIGHUP) {
            on_hangup();
        } else {
            loop.stop();
        }
    });
}

} // namespace knell

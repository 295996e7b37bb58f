#include "agent/loop/signals.hpp"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>

namespace knell {

SignalWatch::SignalWatch(Loop& loop, Fd signalfd, const sigset_t& previous_mask, Handler handler)
    : loop_(loop), signalfd_(std::move(signalfd)), previous_mask_(previous_mask), handler_(std::move(handler)) {}

Result<std::unique_ptr<SignalWatch>> SignalWatch::make(Loop& loop, const std::vector<int>& signals, Handler handler) {
    sigset_t watched;
    ::sigemptyset(&watched);
    for (const int signal : signals) {
        if (::sigaddset(&watched, signal) != 0) {
            return system_failure("sigaddset of signal " + std::to_string(signal), errno);
        }
    }
    Fd signalfd(::signalfd(-1, &watched, SFD_NONBLOCK | SFD_CLOEXEC));
    if (!signalfd) {
        return system_failure("signalfd", errno);
    }
    sigset_t previous;
    if (const int refused = ::pthread_sigmask(SIG_BLOCK, &watched, &previous); refused != 0) {
        return system_failure("pthread_sigmask", refused);
    }
    // From here on the destructor undoes the mask.
    std::unique_ptr<SignalWatch> watch(new SignalWatch(loop, std::move(signalfd), previous, std::move(handler)));
    if (Result<> armed = loop.poll_once(*watch, watch->signalfd_.get(), POLLIN); !armed) {
        return failure_in("waiting for signals", std::move(armed.error()));
    }
    return watch;
}

SignalWatch::~SignalWatch() {
    ::pthread_sigmask(SIG_SETMASK, &previous_mask_, nullptr);
}

void SignalWatch::ready(int revents, Instant now) {
    if (revents > 0) {
        read_batch(now);
    }
    if (revents < 0 || !loop_.poll_once(*this, signalfd_.get(), POLLIN)) {
        // Blocked signals that nobody reads would make the process deaf to SIGTERM: give them back their usual effect.
        ::pthread_sigmask(SIG_SETMASK, &previous_mask_, nullptr);
    }
}

// What does not fit keeps the descriptor readable for the next turn: a flood of signals cannot hold the loop.
void SignalWatch::read_batch(Instant now) {
    std::array<signalfd_siginfo, 16> infos;
    const ssize_t bytes = ::read(signalfd_.get(), infos.data(), sizeof infos);
    const std::size_t count = bytes > 0 ? static_cast<std::size_t>(bytes) / sizeof infos[0] : 0;
    for (std::size_t i = 0; i < count; ++i) {
        handler_(static_cast<int>(infos[i].ssi_signo), now);
    }
}

} // namespace knell

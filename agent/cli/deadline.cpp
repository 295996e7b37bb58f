#include "agent/cli/deadline.hpp"

#include <poll.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <cerrno>

namespace knell {

Result<std::unique_ptr<Deadline>> Deadline::arm(Loop& loop, Nanoseconds after, std::function<void()> then) {
    std::unique_ptr<Deadline> deadline(new Deadline(std::move(then)));
    deadline->timer_ = Fd(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    itimerspec when{};
    when.it_value = to_timespec(std::max<Nanoseconds>(after, 1)); // nothing at all would disarm the timer
    if (!deadline->timer_ || ::timerfd_settime(deadline->timer_.get(), 0, &when, nullptr) != 0) {
        return system_failure("setting a timer", errno);
    }
    if (auto armed = loop.poll_once(*deadline, deadline->timer_.get(), POLLIN); !armed) {
        return std::unexpected(std::move(armed.error()));
    }
    return deadline;
}

// A wait that fails is over, too: better early than never.
void Deadline::ready(int, Instant) {
    const auto then = std::move(then_); // it may destroy us
    then();
}

} // namespace knell

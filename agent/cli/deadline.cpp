#include "agent/cli/deadline.hpp"

#include <poll.h>
#include <sys/timerfd.h>

#include <cerrno>

namespace knell {

Result<std::unique_ptr<Deadline>> Deadline::arm(Loop& loop, Nanoseconds after, std::function<void()> then) {
    std::unique_ptr<Deadline> deadline(new Deadline(std::move(then)));
    deadline->timer_ = Fd(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    itimerspec when{};
    when.it_value.tv_sec = static_cast<time_t>(after / kSecond);
    // Nothing at all would disarm the timer.
    when.it_value.tv_nsec = after != 0 ? static_cast<long>(after % kSecond) : 1;
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

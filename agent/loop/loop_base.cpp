#include "agent/loop/loop_base.hpp"

#include <poll.h>

#include <algorithm>

namespace knell {

Result<> LoopBase::run(TurnDriver& driver) {
    Instant now = monotonic_now();
    while (!stop_requested_.exchange(false)) {
        std::optional<Nanoseconds> limit = sleep_limit(driver, now);
        if (crowd_.gathering() && limit != Nanoseconds{0}) {
            gather(std::min(crowd_.span(), limit.value_or(crowd_.span())));
            limit = 0;
        }
        if (Result<> waited = wait(limit); !waited) {
            return waited;
        }
        now = monotonic_now();
        turns_.add();
        const std::uint64_t before = completions_.value();
        driver.turn_begins(now);
        dispatch(now);
        crowd_.note_turn(now, completions_.value() - before);
    }
    return {};
}

void LoopBase::stop() {
    stop_requested_.store(true);
    wake_.signal();
}

// Only wake() and stop() end it early; what completes meanwhile wakes nobody.
void LoopBase::gather(Nanoseconds span) const {
    pollfd wake{.fd = wake_.fd(), .events = POLLIN, .revents = 0};
    const timespec limit = to_timespec(span);
    (void)::ppoll(&wake, 1, &limit, nullptr);
}

std::optional<Nanoseconds> LoopBase::sleep_limit(TurnDriver& driver, Instant now) const {
    const std::optional<Nanoseconds> allowed = driver.may_sleep(now);
    if (!allowed || *allowed == 0) {
        return allowed;
    }
    // The answer counts from the turn's time, and the turn's callbacks have used some of it up.
    const Nanoseconds used = elapsed(now, monotonic_now());
    return *allowed > used ? *allowed - used : 0;
}

void LoopBase::complete(PollOp& op, int revents, Instant now) {
    op.pending_ = false;
    completions_.add();
    op.ready(revents, now);
}

} // namespace knell

#include "agent/loop/loop_base.hpp"

#include <cerrno>

namespace knell {

Result<> LoopBase::run(TurnDriver& driver) {
    Instant now = monotonic_now();
    while (!stop_requested_.exchange(false)) {
        if (Result<> waited = wait(sleep_limit(driver, now)); !waited) {
            return waited;
        }
        now = monotonic_now();
        turns_.add();
        driver.turn_begins(now);
        complete_cancelled(now);
        dispatch(now);
    }
    return {};
}

void LoopBase::stop() {
    stop_requested_.store(true);
    wake_.signal();
}

std::optional<Nanoseconds> LoopBase::sleep_limit(TurnDriver& driver, Instant now) const {
    const std::optional<Nanoseconds> allowed = driver.may_sleep(now);
    if (!cancelled_.empty()) {
        return 0;
    }
    if (!allowed || *allowed == 0) {
        return allowed;
    }
    // The answer counts from the turn's time, and the turn's callbacks have used some of it up.
    const Nanoseconds used = elapsed(now, monotonic_now());
    return *allowed > used ? *allowed - used : 0;
}

void LoopBase::complete(PollOp& op, int revents, Instant now) {
    op.state_ = PollOp::State::idle;
    completions_.add();
    op.ready(revents, now);
}

void LoopBase::complete_cancelled_next_turn(PollOp& op) {
    op.state_ = PollOp::State::cancelled;
    cancelled_.push_back(op);
}

void LoopBase::complete_cancelled(Instant now) {
    // The callbacks may cancel more: those belong to the next turn, so this turn's are taken aside first.
    OpList due = std::move(cancelled_);
    while (PollOp* op = due.front()) {
        due.remove(*op);
        complete(*op, -ECANCELED, now);
    }
}

} // namespace knell

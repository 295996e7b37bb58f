#include "agent/pidfd/pidfd.hpp"

#include "agent/pidfd/fdinfo.hpp"
#include "agent/pidfd/features.hpp"
#include "agent/pidfd/problem.hpp"
#include "agent/pidfd/wait_status.hpp"

#include <poll.h>
#include <sys/wait.h>

#include <algorithm>
#include <limits>

namespace knell {
namespace {

// The end of a caller's patience.
class Deadline {
  public:
    explicit Deadline(std::optional<Nanoseconds> patience) {
        if (patience) {
            const Instant now = monotonic_now();
            at_ = now + std::min(*patience, std::numeric_limits<Instant>::max() - now);
        }
    }
    // nullopt: there is no end.
    [[nodiscard]] std::optional<Nanoseconds> left() const {
        return at_ ? std::optional(elapsed(monotonic_now(), *at_)) : std::nullopt;
    }
    [[nodiscard]] bool passed() const { return left() == Nanoseconds{0}; }

  private:
    std::optional<Instant> at_;
};

// For what nothing wakes us for: sleeps of 1 ms at first, of 128 ms in the end.
class GrowingPause {
  public:
    void sleep(const Deadline& deadline) {
        const timespec length = to_timespec(std::min(next_, deadline.left().value_or(next_)));
        ::ppoll(nullptr, 0, &length, nullptr); // a signal only shortens it
        next_ = std::min(2 * next_, 128 * kMillisecond);
    }

  private:
    Nanoseconds next_ = kMillisecond;
};

// Waits for `events` or a hang-up: what came of them, 0 when the patience ended.
Result<short> await_events(const Pidfd& pidfd, short events, const Deadline& deadline) {
    // poll() would pass over a negative number, and wait for ever.
    pollfd entry{.fd = pidfd.fd(), .events = events, .revents = 0};
    if (entry.fd < 0) {
        return problem(Problem::not_a_pidfd, "polling a pidfd");
    }
    for (;;) {
        const auto left = deadline.left();
        const timespec timeout = to_timespec(left.value_or(0));
        if (::ppoll(&entry, 1, left ? &timeout : nullptr, nullptr) >= 0) {
            break;
        }
        if (errno != EINTR) {
            return system_failure("polling a pidfd", errno);
        }
    }
    if ((entry.revents & POLLNVAL) != 0) {
        return problem(Problem::not_a_pidfd, "polling a pidfd");
    }
    return entry.revents;
}

Result<ProcessState> current_state(const Pidfd& pidfd) {
    const auto events = await_events(pidfd, POLLIN, Deadline(0));
    if (!events) {
        return std::unexpected(events.error());
    }
    if ((*events & POLLIN) == 0) {
        return ProcessState::running;
    }
    if (available(PidfdFeature::pidfs)) {
        return (*events & POLLHUP) != 0 ? ProcessState::reaped : ProcessState::zombie;
    }
    const auto fdinfo = read_fdinfo(pidfd);
    if (!fdinfo) {
        return std::unexpected(fdinfo.error());
    }
    return fdinfo->pid < 0 ? ProcessState::reaped : ProcessState::zombie;
}

// A look at a child: reaps it if it is dead.
Result<std::optional<int>> try_reap(const Pidfd& pidfd) {
    siginfo_t ended{};
    if (::waitid(P_PIDFD, static_cast<id_t>(pidfd.fd()), &ended, WEXITED | WNOHANG | __WALL) == 0) {
        return ended.si_pid != 0 ? std::optional(wait_status(ended)) : std::nullopt;
    }
    const int refusal = errno;
    switch (refusal) {
    case ECHILD:
        return system_failure("waiting for a process", refusal,
                              "it is not a child of ours, or it was reaped already: poll() waits for any process");
    case EBADF:
    case EINVAL: // a negative number
        return problem(Problem::not_a_pidfd, "waiting for a process");
    default:
        return system_failure("waiting for a process", refusal);
    }
}

} // namespace

Result<ProcessState> Pidfd::poll(ProcessState at_least, std::optional<Nanoseconds> patience) const {
    const Deadline deadline(patience);
    if (at_least != ProcessState::running) {
        // Without POLLIN only the hang-up wakes us: the reap, since 6.9.
        const bool reap_only = at_least == ProcessState::reaped && available(PidfdFeature::pidfs);
        if (const auto events = await_events(*this, reap_only ? short{0} : short{POLLIN}, deadline); !events) {
            return std::unexpected(events.error());
        }
    }
    // Before 6.9 the kernel wakes nobody for the reap (kernel/pid.c, __change_pid): there fdinfo is read again and
    // again. Everywhere else the state is reached, or the patience at its end, by now.
    GrowingPause pause;
    for (;;) {
        const auto state = current_state(*this);
        if (!state || *state >= at_least || deadline.passed()) {
            return state;
        }
        pause.sleep(deadline);
    }
}

Result<std::optional<int>> Pidfd::wait(std::optional<Nanoseconds> patience) const {
    const Deadline deadline(patience);
    GrowingPause pause;
    bool dead = false;
    for (;;) {
        // Never a waitid() that blocks: it knows no deadline, and with PIDFD_NONBLOCK it does not block either.
        auto status = try_reap(*this);
        if (!status || *status || deadline.passed()) {
            return status;
        }
        if (dead) {
            // And yet not to be reaped: a tracer has to let go of it first (kernel/exit.c, wait_consider_task), which
            // wakes no poll.
            pause.sleep(deadline);
        }
        const auto events = await_events(*this, POLLIN, deadline);
        if (!events) {
            return std::unexpected(events.error());
        }
        dead = *events != 0;
    }
}

} // namespace knell

#include "agent/loop/epoll_loop.hpp"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include <fmt/format.h>

namespace knell {

namespace {

// Bounds a turn; what is ready beyond it is reported by the next wait at once.
constexpr std::size_t kEventsPerTurn = 4096;

// PollOp speaks in poll(2) bits.
static_assert(EPOLLIN == POLLIN && EPOLLPRI == POLLPRI && EPOLLOUT == POLLOUT);
static_assert(EPOLLERR == POLLERR && EPOLLHUP == POLLHUP && EPOLLRDHUP == POLLRDHUP);

std::string_view why_not_registered(int errno_value) {
    switch (errno_value) {
    case EBADF:
        return "the descriptor is closed";
    case EPERM:
        return "this kind of file cannot be polled";
    case ENOSPC:
        return "the user's limit of registrations is reached: raise fs.epoll.max_user_watches";
    case ENOMEM:
        return "the kernel has no memory for another registration: raise the memory limit of the cgroup";
    default:
        return "unexpected";
    }
}

// Rounded up: waking early would only mean to sleep again.
int to_milliseconds(Nanoseconds duration) {
    const Nanoseconds milliseconds = duration / kMillisecond + (duration % kMillisecond != 0 ? 1 : 0);
    return static_cast<int>(std::min<Nanoseconds>(milliseconds, INT_MAX));
}

} // namespace

EpollLoop::EpollLoop(Fd epoll, Fd eventfd)
    : LoopBase(std::move(eventfd)), epoll_(std::move(epoll)), events_(kEventsPerTurn) {}

Result<std::unique_ptr<EpollLoop>> EpollLoop::make() {
    Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
    if (!epoll) {
        return system_failure("epoll_create1", errno);
    }
    Result<Fd> eventfd = WakeFd::open();
    if (!eventfd) {
        return std::unexpected(std::move(eventfd.error()));
    }
    std::unique_ptr<EpollLoop> loop(new EpollLoop(std::move(epoll), std::move(*eventfd)));
    // Level-triggered and for good; no op stands behind it.
    epoll_event wake{};
    wake.events = EPOLLIN;
    wake.data.ptr = nullptr;
    if (const int refused = loop->control(EPOLL_CTL_ADD, loop->wake_.fd(), wake); refused != 0) {
        return system_failure("epoll_ctl for the loop's eventfd", refused, std::string(why_not_registered(refused)));
    }
    return loop;
}

Result<> EpollLoop::poll_once(PollOp& op, int fd, int events) {
    if (op.pending()) {
        return still_pending();
    }
    epoll_event event{};
    event.events = static_cast<std::uint16_t>(events) | EPOLLONESHOT;
    event.data.ptr = &op;
    int refused = control(op.fd_ == fd ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, event);
    if (refused == ENOENT) {
        // The op's descriptor was closed, which ended the registration, and the number belongs to a new file.
        refused = control(EPOLL_CTL_ADD, fd, event);
    } else if (refused == EEXIST) {
        // Another op has waited on this descriptor before, or this one has, and on a third in between.
        refused = control(EPOLL_CTL_MOD, fd, event);
    }
    if (refused != 0) {
        op.fd_ = -1;
        return system_failure(fmt::format("epoll_ctl for descriptor {}", fd), refused,
                              std::string(why_not_registered(refused)));
    }
    op.fd_ = fd;
    op.pending_ = true;
    return {};
}

int EpollLoop::control(int operation, int fd, epoll_event event) const {
    return ::epoll_ctl(epoll_.get(), operation, fd, &event) == 0 ? 0 : errno;
}

int EpollLoop::wait_for_events(std::optional<Nanoseconds> limit) {
    const int capacity = static_cast<int>(events_.size());
    if (has_pwait2_) {
        const timespec timeout = to_timespec(limit.value_or(0));
        const int count = ::epoll_pwait2(epoll_.get(), events_.data(), capacity, limit ? &timeout : nullptr, nullptr);
        // Linux < 5.11 does not know it; seccomp profiles older than it answer EPERM.
        if (count >= 0 || (errno != ENOSYS && errno != EPERM)) {
            return count;
        }
        has_pwait2_ = false;
    }
    return ::epoll_wait(epoll_.get(), events_.data(), capacity, limit ? to_milliseconds(*limit) : -1);
}

Result<> EpollLoop::wait(std::optional<Nanoseconds> limit) {
    const int count = wait_for_events(limit);
    if (count < 0 && errno != EINTR) {
        return system_failure("waiting for events with epoll", errno);
    }
    ready_ = static_cast<std::size_t>(std::max(count, 0));
    for (std::size_t i = 0; i < ready_; ++i) {
        if (events_[i].data.ptr == nullptr) {
            wake_.consume();
        }
    }
    return {};
}

void EpollLoop::dispatch(Instant now) {
    for (std::size_t i = 0; i < ready_; ++i) {
        auto* op = static_cast<PollOp*>(events_[i].data.ptr);
        if (op != nullptr) {
            complete(*op, static_cast<int>(events_[i].events), now);
        }
    }
}

} // namespace knell

#include "agent/loop/wake_fd.hpp"

#include <sys/eventfd.h>

#include <cerrno>

namespace knell {

Result<Fd> WakeFd::open() {
    Fd eventfd(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    if (!eventfd) {
        return system_failure("eventfd", errno);
    }
    return eventfd;
}

void WakeFd::signal() {
    if (signalled_.exchange(true)) {
        return;
    }
    // Fails only when the counter is at its maximum, and the flag keeps it at 1. The caller may be a signal handler.
    const int saved_errno = errno;
    (void)::eventfd_write(eventfd_.get(), 1);
    errno = saved_errno;
}

void WakeFd::consume() {
    // Empty first, then lower the flag: the other way round, a signal() in between would have its write taken away and
    // leave the flag up with nothing to read, and no later one would ever write.
    eventfd_t count = 0;
    (void)::eventfd_read(eventfd_.get(), &count);
    signalled_.exchange(false); // an exchange, so that what a swallowed waker published happens before this turn
}

} // namespace knell

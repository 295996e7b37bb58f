#include "agent/pidfd/reservation.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <string>

namespace knell {

Result<FdReservation> FdReservation::reserve(int lowest) {
    const std::string tried = "reserving a descriptor number of at least " + std::to_string(lowest);
    const std::string exhausted = "all numbers below RLIMIT_NOFILE are taken";
    Fd placeholder(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!placeholder) {
        return errno == EMFILE ? system_failure(tried, errno, exhausted) : system_failure(tried + ": open /", errno);
    }
    // open() takes the lowest free number of all. Where that is high enough nothing else is needed: not even a second
    // free number.
    if (lowest >= 0 && placeholder.get() >= lowest) {
        return FdReservation(std::move(placeholder));
    }
    Fd higher(::fcntl(placeholder.get(), F_DUPFD_CLOEXEC, lowest));
    if (higher) {
        return FdReservation(std::move(higher));
    }
    switch (errno) {
    case EMFILE:
        return system_failure(tried, errno, exhausted);
    case EINVAL:
        return system_failure(tried, errno, "numbers are not negative, and below RLIMIT_NOFILE");
    default:
        return system_failure(tried, errno);
    }
}

Fd FdReservation::publish() && {
    const Fd content = std::move(content_);
    Fd published = std::move(placeholder_);
    if (!content || ::dup3(content.get(), published.get(), O_CLOEXEC) < 0) {
        return {};
    }
    return published;
}

} // namespace knell

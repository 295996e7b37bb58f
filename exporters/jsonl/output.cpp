#include "exporters/jsonl/output.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace knell {

namespace {

constexpr mode_t kMode = 0640;

bool ready_to_write(int fd, int timeout_ms) {
    pollfd wanted{.fd = fd, .events = POLLOUT, .revents = 0};
    // POLLERR, POLLHUP and POLLNVAL count as ready: the write that follows says what is wrong.
    return ::poll(&wanted, 1, timeout_ms) > 0;
}

// A terminal or pipe has a name by which it can be opened anew: a description of our own, whose flags are nobody
// else's. Opening the master side of a pseudo-terminal anew would make another pseudo-terminal.
Fd reopen_without_blocking(int fd, const struct stat& status) {
    const bool pty_master = S_ISCHR(status.st_mode) && status.st_rdev == ::makedev(5, 2);
    if (pty_master || !(S_ISFIFO(status.st_mode) || ::isatty(fd) == 1)) {
        return {};
    }
    const std::string path = fmt::format("/proc/self/fd/{}", fd);
    return Fd(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
}

} // namespace

Result<Output> Output::open(const std::string& path) {
    Fd file(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, kMode));
    if (!file) {
        const int error = errno;
        const std::string tried = fmt::format("open {} for writing", path);
        return error == ENXIO ? system_failure(tried, error, "a pipe needs its reader first; a socket cannot be opened")
                              : system_failure(tried, error);
    }
    const int fd = file.get();
    return Output(std::move(file), fd, Way::direct);
}

Output Output::borrow(int fd) {
    struct stat status{};
    if (::fstat(fd, &status) != 0) {
        return {Fd(), fd, Way::ask_first}; // not open: each write says so
    }
    if (S_ISSOCK(status.st_mode)) {
        return {Fd(), fd, Way::socket};
    }
    if (S_ISREG(status.st_mode)) {
        return {Fd(), fd, Way::direct};
    }
    if (Fd own = reopen_without_blocking(fd, status)) {
        const int number = own.get();
        return {std::move(own), number, Way::direct};
    }
    // No /proc, or somebody else's terminal. Another writer can still take the room that poll() saw.
    return {Fd(), fd, Way::ask_first};
}

ssize_t Output::write(std::string_view bytes) const {
    switch (way_) {
    case Way::direct:
        return ::write(fd_, bytes.data(), bytes.size());
    case Way::socket:
        return ::send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    case Way::ask_first:
        break;
    }
    if (!ready_to_write(fd_, 0)) {
        errno = EAGAIN;
        return -1;
    }
    // A pipe that is writable takes PIPE_BUF bytes without waiting (poll(2), pipe(7)).
    return ::write(fd_, bytes.data(), std::min<std::size_t>(bytes.size(), PIPE_BUF));
}

bool Output::wait_writable(Nanoseconds patience) const {
    // Rounded up, so that the last wait is not a busy one.
    const Nanoseconds milliseconds = std::min<Nanoseconds>(patience / kMillisecond + 1, INT_MAX);
    return ready_to_write(fd_, static_cast<int>(milliseconds));
}

} // namespace knell

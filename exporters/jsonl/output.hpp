#pragma once

#include "agent/base/clock.hpp"
#include "agent/base/fd.hpp"
#include "agent/base/result.hpp"

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace knell {

// Where lines are written to, without ever waiting for whoever reads them. O_NONBLOCK is never set on a descriptor that
// was given to us: it is a property of the open file description, which other processes share (the shell, whatever
// else writes to this terminal or pipe), and they would meet EAGAIN without knowing why.
class Output {
  public:
    // Creates the file where it does not exist (mode 0640) and appends to it.
    static Result<Output> open(const std::string& path);

    // An open descriptor, such as standard output. It stays the caller's and open as long as this object lives.
    static Output borrow(int fd);

    // write(2), with EAGAIN in place of waiting for a reader. A regular file has none; that a write to it may wait for
    // the disk is not avoidable this way (O_NONBLOCK has no effect on regular files, open(2)).
    [[nodiscard]] ssize_t write(std::string_view bytes) const;

    // Waits until write() may make progress or has failed for good; false when the time was over first.
    [[nodiscard]] bool wait_writable(Nanoseconds patience) const;

  private:
    // How a write avoids waiting.
    enum class Way : std::uint8_t {
        direct,    // the description is ours and non-blocking, or a regular file
        socket,    // per call, by MSG_DONTWAIT
        ask_first, // poll, then write no more than what a writable pipe takes
    };

    Output(Fd own, int fd, Way way) : own_(std::move(own)), fd_(fd), way_(way) {}

    Fd own_; // empty where a borrowed descriptor is used as it is
    int fd_;
    Way way_;
};

} // namespace knell

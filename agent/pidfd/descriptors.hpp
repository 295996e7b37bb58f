#pragma once

#include "agent/base/fd.hpp"
#include "agent/base/result.hpp"
#include "agent/pidfd/pidfd.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Descriptors over UNIX sockets (SCM_RIGHTS), pidfds above all: sending one gives a process to somebody who may not
// even see its number.
namespace knell {

inline constexpr std::size_t kMostDescriptors = 253; // SCM_MAX_FD

// Sends `message` (at least one byte) with the descriptors, which stay ours. Blocks as the socket does. EINVAL: none or
// too many descriptors, or no message. Never raises SIGPIPE.
Result<> send_descriptors(const Fd& socket, std::string_view message, std::span<const int> descriptors);

struct Received {
    std::string message; // empty: the other end has closed
    std::vector<Fd> descriptors;
    // SO_PASSPIDFD, where pass_sender() switched it on (6.5). Absent too if the sender was reaped (before 6.17).
    std::optional<Pidfd> sender;
};

// Receives one message of at most `max_bytes`. All descriptors are close-on-exec and owned by the result. EMSGSIZE: the
// message or its descriptors were cut off by the kernel; nothing is kept then.
Result<Received> receive_descriptors(const Fd& socket, std::size_t max_bytes = 4096);

// From now on each message tells its sender's pidfd. Messages already queued do not. kernel_too_old before 6.5.
Result<> pass_sender(const Fd& socket);

} // namespace knell

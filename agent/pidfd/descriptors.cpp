#include "agent/pidfd/descriptors.hpp"

#include "agent/pidfd/abi.hpp"
#include "agent/pidfd/features.hpp"
#include "agent/pidfd/problem.hpp"
#include "agent/pidfd/signal_safe.hpp"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace knell {
namespace {

// All that a UNIX socket can attach to a message: descriptors, the sender's pidfd and, where another part of the
// program asked for them on this socket, its credentials.
constexpr std::size_t kControlBytes =
    CMSG_SPACE(sizeof(int) * kMostDescriptors) + CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(ucred));

Failure send_failure(int errno_value) {
    const std::string tried = "sending descriptors";
    switch (errno_value) {
    case EPIPE:
    case ECONNRESET:
        return system_failure(tried, errno_value, "the other end has closed");
    case EBADF:
        return system_failure(tried, errno_value, "the socket, or one of them, is not open");
    case ETOOMANYREFS:
        return system_failure(tried, errno_value,
                              "more than RLIMIT_NOFILE were sent and not received yet: the receiver is behind");
    default:
        return system_failure(tried, errno_value);
    }
}

std::vector<int> numbers_in(const cmsghdr& part) {
    std::vector<int> numbers((part.cmsg_len - CMSG_LEN(0)) / sizeof(int));
    std::memcpy(numbers.data(), CMSG_DATA(&part), numbers.size() * sizeof(int));
    return numbers;
}

// SCM_PIDFD carries a descriptor, or a negated errno in its place (net/core/scm.c, scm_pidfd_recv).
Result<std::optional<Pidfd>> sender_in(int value) {
    if (value == -ESRCH || value == -EINVAL) {
        return std::nullopt; // reaped, and this kernel keeps no pidfd for it
    }
    if (value < 0) {
        return system_failure("receiving a message: the pidfd of its sender", -value);
    }
    auto sender = Pidfd::adopt(Fd(value));
    if (!sender) {
        return std::unexpected(std::move(sender.error()));
    }
    return std::move(*sender);
}

// Takes ownership of every descriptor, before anything can fail.
Result<Received> take_control(msghdr& header) {
    Received received;
    int sender = -ESRCH;
    for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
        if (part->cmsg_level != SOL_SOCKET) {
            continue;
        }
        if (part->cmsg_type == SCM_RIGHTS) {
            for (const int number : numbers_in(*part)) {
                received.descriptors.emplace_back(number);
            }
        } else if (part->cmsg_type == abi::kScmPidfd) {
            sender = numbers_in(*part).front();
        }
    }
    auto pidfd = sender_in(sender);
    if (!pidfd) {
        return std::unexpected(std::move(pidfd.error()));
    }
    received.sender = std::move(*pidfd);
    return received;
}

} // namespace

Result<> send_descriptors(const Fd& socket, std::string_view message, std::span<const int> descriptors) {
    if (message.empty() || descriptors.empty() || descriptors.size() > kMostDescriptors) {
        return system_failure("sending " + std::to_string(descriptors.size()) + " descriptors with a message of " +
                                  std::to_string(message.size()) + " bytes",
                              EINVAL, "it takes 1 to " + std::to_string(kMostDescriptors) + ", and a message");
    }
    // A stream socket may take a part, and the descriptors with it.
    while (!message.empty()) {
        const ssize_t sent = signal_safe::send(socket.get(), message, descriptors);
        if (sent < 0) {
            return send_failure(static_cast<int>(-sent));
        }
        message.remove_prefix(static_cast<std::size_t>(sent));
        descriptors = {};
    }
    return {};
}

Result<Received> receive_descriptors(const Fd& socket, std::size_t max_bytes) {
    std::string message(max_bytes, '\0');
    alignas(cmsghdr) std::array<char, kControlBytes> control{};
    iovec data{.iov_base = message.data(), .iov_len = message.size()};
    msghdr header{};
    header.msg_iov = &data;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    ssize_t size = -1;
    do {
        size = ::recvmsg(socket.get(), &header, MSG_CMSG_CLOEXEC);
    } while (size < 0 && errno == EINTR);
    if (size < 0) {
        return system_failure("receiving descriptors", errno);
    }
    auto received = take_control(header);
    if (received && (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
        const bool message_cut = (header.msg_flags & MSG_TRUNC) != 0;
        return system_failure("receiving descriptors", EMSGSIZE,
                              message_cut ? "the message has more than " + std::to_string(max_bytes) + " bytes"
                                          : "descriptors were cut off: RLIMIT_NOFILE leaves no numbers for them");
    }
    if (received) {
        message.resize(static_cast<std::size_t>(size));
        received->message = std::move(message);
    }
    return received;
}

Result<> pass_sender(const Fd& socket) {
    const std::string tried = "setsockopt(SO_PASSPIDFD)";
    if (!available(PidfdFeature::peer_pidfd)) {
        return problem(Problem::kernel_too_old, tried, "it needs Linux 6.5");
    }
    const int on = 1;
    if (::setsockopt(socket.get(), SOL_SOCKET, abi::kSoPassPidfd, &on, sizeof(on)) != 0) {
        return system_failure(tried, errno);
    }
    return {};
}

} // namespace knell

#include "agent/pidfd/signal_safe.hpp"

#include "agent/pidfd/descriptors.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

namespace knell::signal_safe {
namespace {

// clone(2) takes 32 bits of flags, of which the exit signal has eight, and no cgroup. The order of its first three
// arguments is the same on x86-64 and arm64, that of the others, unused here, is not. CLONE_PIDFD stores the descriptor
// where CLONE_PARENT_SETTID would store the number.
bool old_clone_can(std::uint64_t flags) {
    constexpr std::uint64_t kNotInClone = CSIGNAL | CLONE_PARENT_SETTID;
    return flags <= std::numeric_limits<std::uint32_t>::max() && (flags & kNotInClone) == 0;
}

long old_clone(std::uint64_t flags, int exit_signal, int& pidfd) {
    return ::syscall(SYS_clone, static_cast<unsigned long>(flags) | static_cast<unsigned>(exit_signal), 0, &pidfd, 0,
                     0);
}

// -1: the name is not a number.
int number_of(const char* name) {
    int number = 0;
    for (; *name >= '0' && *name <= '9'; ++name) {
        number = number * 10 + (*name - '0');
    }
    return *name == '\0' ? number : -1;
}

// By /proc: procfs lists descriptors by their numbers, so closing those that were listed skips none of the others.
int close_listed_but(std::span<const int> kept) {
    const int directory = ::open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) {
        return -errno;
    }
    alignas(dirent64) char entries[1024];
    long size = 0;
    while ((size = ::syscall(SYS_getdents64, directory, entries, sizeof(entries))) > 0) {
        for (long at = 0; at < size;) {
            const auto* entry = reinterpret_cast<const dirent64*>(entries + at);
            at += entry->d_reclen;
            const int number = entry->d_name[0] == '.' ? -1 : number_of(entry->d_name);
            if (number >= 0 && number != directory && !std::ranges::binary_search(kept, number)) {
                (void)::close(number);
            }
        }
    }
    const int refusal = errno;
    (void)::close(directory);
    return size == 0 ? 0 : -refusal;
}

} // namespace

long clone(std::uint64_t flags, int exit_signal, int cgroup, int& pidfd) noexcept {
    clone_args args{};
    args.flags = flags;
    args.exit_signal = static_cast<unsigned>(exit_signal);
    if ((flags & CLONE_INTO_CGROUP) != 0) {
        args.cgroup = static_cast<unsigned>(cgroup);
    }
    if ((flags & CLONE_PIDFD) != 0) {
        args.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
    }
    long pid = ::syscall(SYS_clone3, &args, sizeof(args));
    // Filters cannot look into clone3's argument, so some refuse it altogether: with ENOSYS, older ones with EPERM.
    if (pid < 0 && (errno == ENOSYS || errno == EPERM) && old_clone_can(flags)) {
        pid = old_clone(flags, exit_signal, pidfd);
    }
    return pid < 0 ? -errno : pid;
}

int close_all_but(std::span<const int> kept) noexcept {
    // close_range(2), 5.9; a seccomp filter that is older than it may refuse it.
    const auto close_range = [](unsigned first, unsigned last) {
        return first > last || ::syscall(SYS_close_range, first, last, 0) == 0;
    };
    unsigned first = 0;
    for (const int number : kept) {
        const auto next = static_cast<unsigned>(number);
        if (next > first && !close_range(first, next - 1)) {
            return close_listed_but(kept);
        }
        first = std::max(first, next + 1);
    }
    return close_range(first, std::numeric_limits<unsigned>::max()) ? 0 : close_listed_but(kept);
}

ssize_t send(int socket, std::string_view message, std::span<const int> descriptors) noexcept {
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMostDescriptors)] = {};
    iovec data{.iov_base = const_cast<char*>(message.data()), .iov_len = message.size()}; // only read
    msghdr header{};
    header.msg_iov = &data;
    header.msg_iovlen = 1;
    if (!descriptors.empty()) {
        header.msg_control = control;
        header.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
        cmsghdr* rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(descriptors.size_bytes());
        std::memcpy(CMSG_DATA(rights), descriptors.data(), descriptors.size_bytes());
    }
    ssize_t size = -1;
    do {
        size = ::sendmsg(socket, &header, MSG_NOSIGNAL);
    } while (size < 0 && errno == EINTR);
    return size < 0 ? -errno : size;
}

} // namespace knell::signal_safe

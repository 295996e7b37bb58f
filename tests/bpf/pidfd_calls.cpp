#include "tests/bpf/pidfd_calls.hpp"

#include <linux/sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

namespace knell::test {

int make_pidfd(pid_t pid, unsigned flags) {
    return static_cast<int>(::syscall(SYS_pidfd_open, pid, flags));
}

int make_pidfd_by_clone(pid_t number) {
    int pidfd = -1;
    clone_args arguments{};
    arguments.flags = CLONE_PIDFD;
    arguments.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
    arguments.exit_signal = SIGCHLD;
    if (number != 0) {
        arguments.set_tid = reinterpret_cast<std::uintptr_t>(&number);
        arguments.set_tid_size = 1;
    }
    const long child = ::syscall(SYS_clone3, &arguments, sizeof arguments);
    if (child == 0) {
        ::_exit(0);
    }
    return child < 0 ? -1 : pidfd;
}

int make_pidfd_by_socket() {
    int ends[2];
    int pidfd = -1;
    socklen_t size = sizeof pidfd;
    return ::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0 &&
                   ::getsockopt(ends[0], SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) == 0
               ? pidfd
               : -1;
}

std::uint64_t inode_of(int pidfd) {
    struct stat status{};
    struct statfs filesystem{};
    constexpr auto kPidfs = 0x50494446;
    return ::fstatfs(pidfd, &filesystem) == 0 && filesystem.f_type == kPidfs && ::fstat(pidfd, &status) == 0
               ? status.st_ino
               : 0;
}

} // namespace knell::test

#include "agent/pidfd/pidfd.hpp"

#include "agent/pidfd/abi.hpp"
#include "agent/pidfd/features.hpp"
#include "agent/pidfd/problem.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

namespace knell {
namespace {

Fd pidfd_open(pid_t pid, unsigned flags) {
    return Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, flags)));
}

} // namespace

Result<Pidfd> Pidfd::open(pid_t pid) {
    Fd fd = pidfd_open(pid, 0);
    if (fd) {
        return Pidfd(std::move(fd));
    }
    const int refusal = errno;
    const std::string tried = "pidfd_open(" + std::to_string(pid) + ")";
    switch (refusal) {
    case ESRCH:
        return problem(Problem::gone, tried);
    case EINVAL:
    case ENOENT: // a thread's number, since 6.9
        return system_failure(tried, EINVAL,
                              pid > 0 ? "the number is a thread's: open its process, or open_thread()"
                                      : "numbers of processes are positive");
    default:
        return system_failure(tried, refusal);
    }
}

Result<Pidfd> Pidfd::open_thread(pid_t tid) {
    const std::string tried = "pidfd_open(" + std::to_string(tid) + ", PIDFD_THREAD)";
    if (!available(PidfdFeature::thread_pidfds)) {
        return problem(Problem::kernel_too_old, tried, "pidfds of threads need Linux 6.9: open the process");
    }
    Fd fd = pidfd_open(tid, abi::kPidfdThread);
    if (fd) {
        return Pidfd(std::move(fd));
    }
    return errno == ESRCH ? problem(Problem::gone, tried) : system_failure(tried, errno);
}

Result<Pidfd> Pidfd::adopt(Fd fd) {
    // waitid() alone takes nothing but a pidfd, on every kernel and without procfs: it answers EBADF to all else
    // (kernel/pid.c, pidfd_get_pid), to /proc/PID directories and O_PATH descriptors too. This one only looks.
    siginfo_t unused{};
    if (::waitid(P_PIDFD, static_cast<id_t>(fd.get()), &unused, WEXITED | WNOHANG | WNOWAIT | __WALL) != 0 &&
        errno != ECHILD) {
        const int refusal = errno;
        const std::string tried = "adopting descriptor " + std::to_string(fd.get());
        // EINVAL: the descriptor is negative.
        return refusal == EBADF || refusal == EINVAL ? problem(Problem::not_a_pidfd, tried)
                                                     : system_failure(tried, refusal);
    }
    if (::fcntl(fd.get(), F_SETFD, FD_CLOEXEC) != 0) {
        return system_failure("making a pidfd close-on-exec", errno);
    }
    return Pidfd(std::move(fd));
}

Result<Pidfd> Pidfd::from_peer(const Fd& socket) {
    const std::string tried = "getsockopt(SO_PEERPIDFD)";
    if (!available(PidfdFeature::peer_pidfd)) {
        return problem(Problem::kernel_too_old, tried, "it needs Linux 6.5");
    }
    int fd = -1;
    socklen_t size = sizeof(fd);
    if (::getsockopt(socket.get(), SOL_SOCKET, abi::kSoPeerPidfd, &fd, &size) == 0) {
        return Pidfd(Fd(fd));
    }
    const int refusal = errno;
    switch (refusal) {
    case EINVAL: // what reaped peers answer depends on the release
    case ESRCH:
        return problem(Problem::gone, tried, "the peer was reaped, and kernels before 6.16 keep no pidfd for it");
    case ENOPROTOOPT:
        return problem(Problem::kernel_too_old, tried, "this kind of socket does not know it");
    case ENODATA:
        return system_failure(tried, refusal, "the socket has no peer: it is unconnected, or no UNIX socket");
    default:
        return system_failure(tried, refusal);
    }
}

Result<Pidfd> Pidfd::self() {
    return open(::getpid());
}

Result<Pidfd> Pidfd::dup() const {
    Fd copy(::fcntl(fd(), F_DUPFD_CLOEXEC, 0));
    if (!copy) {
        return system_failure("duplicating a pidfd", errno);
    }
    return Pidfd(std::move(copy));
}

} // namespace knell

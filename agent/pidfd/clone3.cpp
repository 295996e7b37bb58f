#include "agent/pidfd/clone3.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace knell {

Result<Cloned> clone3(std::uint64_t flags, int exit_signal, int cgroup) {
    int pidfd = -1;
    clone_args args{};
    args.flags = flags;
    args.exit_signal = static_cast<unsigned>(exit_signal);
    if ((flags & CLONE_INTO_CGROUP) != 0) {
        args.cgroup = static_cast<unsigned>(cgroup);
    }
    if ((flags & CLONE_PIDFD) != 0) {
        args.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
    }
    const long pid = ::syscall(SYS_clone3, &args, sizeof(args));
    if (pid < 0) {
        return system_failure("clone3", errno);
    }
    return Cloned{static_cast<pid_t>(pid), Fd(pidfd)};
}

} // namespace knell

#include "agent/pidfd/clone3.hpp"

#include "agent/pidfd/signal_safe.hpp"

namespace knell {

Result<Cloned> clone3(std::uint64_t flags, int exit_signal, int cgroup) {
    int pidfd = -1;
    const long pid = signal_safe::clone(flags, exit_signal, cgroup, pidfd);
    if (pid < 0) {
        return system_failure("clone3", static_cast<int>(-pid));
    }
    return Cloned{static_cast<pid_t>(pid), Fd(pidfd)};
}

} // namespace knell

#include "tests/support/clone.hpp"

#include "agent/base/fd.hpp"

#include <fcntl.h>
#include <linux/sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>

namespace knell::test {

Result<pid_t> clone_process(const CloneOptions& options) {
    if (options.cgroup.empty() && options.pid == 0) {
        const pid_t child = ::fork(); // clone3 is refused by some seccomp profiles
        return child >= 0 ? Result<pid_t>(child) : system_failure("fork", errno);
    }
    clone_args arguments{};
    arguments.exit_signal = SIGCHLD;
    Fd cgroup;
    if (!options.cgroup.empty()) {
        cgroup = Fd(::open(options.cgroup.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
        if (!cgroup) {
            return system_failure("open cgroup " + options.cgroup, errno);
        }
        arguments.flags = CLONE_INTO_CGROUP;
        arguments.cgroup = static_cast<__u64>(cgroup.get());
    }
    if (options.pid != 0) {
        arguments.set_tid = reinterpret_cast<std::uintptr_t>(&options.pid);
        arguments.set_tid_size = 1;
    }
    const long child = ::syscall(SYS_clone3, &arguments, sizeof(arguments));
    if (child < 0) {
        return system_failure("clone3", errno);
    }
    return static_cast<pid_t>(child);
}

} // namespace knell::test

#include "tests/bpf/numbered_child.hpp"

#include <fcntl.h>
#include <linux/sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <string>
#include <utility>

namespace knell::test {

Result<NumberedChild> NumberedChild::start(pid_t pid, const std::filesystem::path& cgroup) {
    const Fd directory(::open(cgroup.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!directory) {
        return system_failure("open cgroup " + cgroup.string(), errno);
    }
    clone_args arguments{};
    arguments.flags = CLONE_INTO_CGROUP;
    arguments.exit_signal = SIGCHLD;
    arguments.set_tid = reinterpret_cast<std::uintptr_t>(&pid);
    arguments.set_tid_size = 1;
    arguments.cgroup = static_cast<__u64>(directory.get());
    const long child = ::syscall(SYS_clone3, &arguments, sizeof(arguments));
    if (child < 0) {
        return system_failure("clone3 with number " + std::to_string(pid), errno);
    }
    if (child == 0) {
        for (;;) { // like after fork() in a program with threads: system calls only
            ::pause();
        }
    }
    return NumberedChild(pid);
}

NumberedChild::NumberedChild(NumberedChild&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}

void NumberedChild::kill_and_reap() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        ::waitpid(std::exchange(pid_, -1), nullptr, 0);
    }
}

} // namespace knell::test

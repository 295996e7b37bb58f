#include "tests/bpf/numbered_child.hpp"

#include "tests/support/clone.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <utility>

namespace knell::test {

Result<NumberedChild> NumberedChild::start(pid_t pid, const std::filesystem::path& cgroup) {
    const Result<pid_t> child = clone_process({.cgroup = cgroup, .pid = pid});
    if (!child) {
        return Failure(child.error());
    }
    if (*child == 0) {
        for (;;) {
            ::pause();
        }
    }
    return NumberedChild(*child);
}

NumberedChild::NumberedChild(NumberedChild&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}

void NumberedChild::kill_and_reap() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        ::waitpid(std::exchange(pid_, -1), nullptr, 0);
    }
}

} // namespace knell::test

#include "agent/pidfd/pidfd.hpp"

#include "agent/pidfd/abi.hpp"
#include "agent/pidfd/fdinfo.hpp"
#include "agent/pidfd/features.hpp"
#include "agent/pidfd/problem.hpp"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <string>

namespace knell {
namespace {

unsigned flags_of(SignalScope scope) {
    switch (scope) {
    case SignalScope::as_opened:
        return 0;
    case SignalScope::thread:
        return abi::kPidfdSignalThread;
    case SignalScope::process:
        return abi::kPidfdSignalThreadGroup;
    case SignalScope::process_group:
        return abi::kPidfdSignalProcessGroup;
    }
    return 0;
}

// fdinfo shows a number only while the process holds it. `a` holds its number before and after `b` is seen with the
// same one: so nobody else could have it in between, and `b` is the same process.
bool equal_by_number(const Pidfd& a, const Pidfd& b) {
    const auto before = read_fdinfo(a);
    if (!before || before->pid <= 0) {
        return false;
    }
    const auto other = read_fdinfo(b);
    if (!other || other->pid != before->pid) {
        return false;
    }
    const auto after = read_fdinfo(a);
    return after && after->pid == before->pid;
}

} // namespace

Result<> Pidfd::send_signal(int signal, SignalScope scope) const {
    if (scope != SignalScope::as_opened && !available(PidfdFeature::signal_scopes)) {
        return problem(Problem::kernel_too_old, "pidfd_send_signal", "only Linux 6.9 and later take a scope");
    }
    if (::syscall(SYS_pidfd_send_signal, fd(), signal, nullptr, flags_of(scope)) == 0) {
        return {};
    }
    const int refusal = errno;
    const std::string tried = "pidfd_send_signal(" + std::to_string(signal) + ")";
    switch (refusal) {
    case ESRCH:
        return problem(Problem::gone, tried,
                       scope == SignalScope::process_group ? "the process leads no process group, or all of it is gone"
                                                           : "");
    case EPERM:
        return problem(Problem::no_permission, tried, "it takes the same user, or CAP_KILL");
    case EBADF:
        return problem(Problem::not_a_pidfd, tried);
    case EINVAL:
        return signal < 0 || signal > SIGRTMAX
                   ? system_failure(tried, refusal, "there is no such signal")
                   : problem(Problem::foreign_namespace, tried,
                             "the process is in no pid namespace at or below ours: signals do not go there");
    default:
        return system_failure(tried, refusal);
    }
}

Result<Fd> Pidfd::getfd(int number) const {
    Fd fetched(static_cast<int>(::syscall(SYS_pidfd_getfd, fd(), number, 0)));
    if (fetched) {
        return fetched;
    }
    const int refusal = errno;
    const std::string tried = "pidfd_getfd(" + std::to_string(number) + ")";
    switch (refusal) {
    case ESRCH:
        return problem(Problem::gone, tried, "the process is exiting or was reaped: it has closed its descriptors");
    case EPERM:
        return problem(Problem::no_permission, tried,
                       "it takes what ptrace takes: the same user and no set-user-ID program, or CAP_SYS_PTRACE");
    case EBADF: {
        // Before 6.9 a dead process, which has closed everything, answers EBADF too.
        const auto state = poll(ProcessState::running, 0);
        if (!state) {
            return std::unexpected(state.error());
        }
        if (*state != ProcessState::running) {
            return problem(Problem::gone, tried, "the process is dead: it has closed its descriptors");
        }
        return system_failure(tried, refusal, "the process has no such descriptor");
    }
    default:
        return system_failure(tried, refusal);
    }
}

Result<std::uint64_t> Pidfd::inode() const {
    if (!available(PidfdFeature::pidfs)) {
        return 0;
    }
    struct stat info{};
    if (::fstat(fd(), &info) != 0) {
        return system_failure("fstat of a pidfd", errno);
    }
    return info.st_ino;
}

bool operator==(const Pidfd& a, const Pidfd& b) {
    if (!available(PidfdFeature::pidfs)) {
        return equal_by_number(a, b);
    }
    const auto first = a.inode();
    const auto second = b.inode();
    return first && second && *first == *second;
}

} // namespace knell

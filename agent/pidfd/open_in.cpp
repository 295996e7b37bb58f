#include "agent/pidfd/pidfd.hpp"

#include "agent/base/signals_blocked.hpp"
#include "agent/pidfd/abi.hpp"
#include "agent/pidfd/clone3.hpp"
#include "agent/pidfd/descriptors.hpp"
#include "agent/pidfd/features.hpp"
#include "agent/pidfd/pidns.hpp"
#include "agent/pidfd/problem.hpp"
#include "agent/pidfd/signal_safe.hpp"

#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace knell {
namespace {

std::string trying(pid_t number) {
    return "opening process " + std::to_string(number) + " of a pid namespace";
}

// --- Since 6.11: the kernel translates the number ---

// Only of a namespace at or below ours is a process that we cannot see one that does not exist.
Failure not_found(const Fd& pidns, pid_t number) {
    const auto own = pidns::own();
    const auto ours = own ? pidns::relation(*own, pidns) : std::unexpected(own.error());
    if (!ours) {
        return failure_in(trying(number), ours.error());
    }
    return *ours == pidns::Relation::same || *ours == pidns::Relation::ancestor
               ? problem(Problem::gone, trying(number))
               : problem(Problem::foreign_namespace, trying(number),
                         "no process of that number there is visible from our own pid namespace");
}

Result<Pidfd> open_by_ioctl(const Fd& pidns, pid_t number) {
    const int ours = ::ioctl(pidns.get(), abi::kNsGetPidFromPidns, static_cast<unsigned long>(number));
    if (ours < 0) {
        const int refusal = errno;
        return refusal == ESRCH ? not_found(pidns, number)
                                : system_failure(trying(number) + ": ioctl(NS_GET_PID_FROM_PIDNS)", refusal,
                                                 "is the descriptor a pid namespace's?");
    }
    auto pidfd = Pidfd::open(ours);
    if (!pidfd) {
        return failure_in(trying(number), std::move(pidfd.error()));
    }
    // Our number for it may have been recycled before it was opened. From here on the process is held: if it has the
    // number that was asked for, it is the one.
    const auto has = pidns::number_in(pidns, *pidfd);
    if (has && *has == number) {
        return pidfd;
    }
    const Problem refusal = has ? Problem::gone : problem_of(has.error());
    return refusal == Problem::gone || refusal == Problem::foreign_namespace
               ? problem(Problem::gone, trying(number), "it ended while it was being opened")
               : failure_in(trying(number), has.error());
}

// --- Before: a helper goes there and opens it ---

enum class Step : int { enter, fork, open };

// What the helper sends; the pidfd goes with it if nothing was refused.
struct Answer {
    Step step = Step::enter;
    int refusal = 0; // errno
};

// What runs in the helper is bound by signal_safe.hpp, and runs none of the program's signal handlers.
[[noreturn]] void finish(int socket, const Answer& answer, int pidfd = -1) {
    const std::string_view message(reinterpret_cast<const char*>(&answer), sizeof(answer));
    // Whoever gets no answer sees the socket close instead.
    (void)signal_safe::send(socket, message, std::span(&pidfd, answer.refusal == 0 ? 1 : 0));
    ::_exit(0);
}

// Whoever may signal processes in there can stop the one that we send, for ever.
constexpr int kPatienceMs = 5'000;

[[noreturn]] void help(int socket, int pidns, pid_t number) {
    // In there it is seen by processes that need not be trusted: not dumpable, its memory and descriptors, which are
    // copies of ours, are closed to them (ptrace(2); runc's CVE-2016-9962 was this).
    if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || ::setns(pidns, CLONE_NEWPID) != 0) {
        finish(socket, {Step::enter, errno});
    }
    // setns() has moved the children to come, not the caller (pid_namespaces(7)).
    int inside_fd = -1;
    const long inside = signal_safe::clone(CLONE_PIDFD, 0, -1, inside_fd);
    if (inside < 0) {
        finish(socket, {Step::fork, static_cast<int>(-inside)});
    }
    if (inside == 0) {
        const auto pidfd = static_cast<int>(::syscall(SYS_pidfd_open, number, 0));
        finish(socket, {Step::open, pidfd < 0 ? errno : 0}, pidfd);
    }
    pollfd end{.fd = inside_fd, .events = POLLIN, .revents = 0};
    const bool ended = ::poll(&end, 1, kPatienceMs) == 1;
    if (!ended) {
        ::kill(static_cast<pid_t>(inside), SIGKILL);
    }
    ::waitpid(static_cast<pid_t>(inside), nullptr, __WALL);
    finish(socket, {Step::open, ended ? ECANCELED : ETIMEDOUT}); // read only if that one did not answer
}

Failure explain(const Answer& answer, pid_t number) {
    const int refusal = answer.refusal;
    switch (answer.step) {
    case Step::enter:
        return refusal == EPERM ? problem(Problem::no_permission, trying(number) + ": setns",
                                          "before Linux 6.11 it takes CAP_SYS_ADMIN, also over that namespace")
                                : system_failure(trying(number) + ": setns", refusal);
    case Step::fork:
        // ENOMEM is what clone(2) answers inside a namespace without an init; memory is hardly ever what it lacks.
        return refusal == ENOMEM ? problem(Problem::gone, trying(number), "the namespace's init is dead")
                                 : system_failure(trying(number) + ": clone3 inside of it", refusal);
    case Step::open:
        break;
    }
    switch (refusal) {
    case ESRCH:
        return problem(Problem::gone, trying(number));
    case EINVAL:
    case ENOENT: // since 6.9
        return system_failure(trying(number), EINVAL, "the number is a thread's");
    case ETIMEDOUT:
    case ECANCELED:
        return system_failure(trying(number), refusal, "a process inside of it has stopped or killed our helper");
    default:
        return system_failure(trying(number) + ": pidfd_open inside of it", refusal);
    }
}

Result<Pidfd> open_by_helper(const Fd& pidns, pid_t number) {
    int ends[2] = {-1, -1};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        return system_failure(trying(number) + ": socketpair", errno);
    }
    const Fd ours(ends[0]);
    Fd theirs(ends[1]);
    auto helper = [&] {
        const SignalsBlocked blocked;
        auto cloned = clone3(CLONE_PIDFD);
        if (cloned && cloned->pid == 0) {
            help(theirs.get(), pidns.get(), number);
        }
        return cloned;
    }();
    if (!helper) {
        return failure_in(trying(number), std::move(helper.error()));
    }
    theirs.reset();
    auto received = receive_descriptors(ours, sizeof(Answer));
    siginfo_t ended{};
    while (::waitid(P_PIDFD, static_cast<id_t>(helper->pidfd.get()), &ended, WEXITED | __WALL) != 0 && errno == EINTR) {
    }
    if (!received) {
        return failure_in(trying(number), std::move(received.error()));
    }
    Answer answer{Step::open, ECANCELED};
    if (received->message.size() == sizeof(answer)) {
        std::memcpy(&answer, received->message.data(), sizeof(answer));
    }
    if (received->descriptors.empty()) {
        return explain(answer, number);
    }
    return Pidfd::adopt(std::move(received->descriptors.front()));
}

} // namespace

Result<Pidfd> Pidfd::open_in(const Fd& pidns, pid_t number) {
    if (number <= 0) {
        return system_failure(trying(number), EINVAL, "numbers of processes are positive");
    }
    if (available(PidfdFeature::pidns_ioctls)) {
        return open_by_ioctl(pidns, number);
    }
    const auto own = pidns::own();
    const auto ours = own ? pidns::relation(*own, pidns) : std::unexpected(own.error());
    if (!ours) {
        return failure_in(trying(number), ours.error());
    }
    switch (*ours) {
    case pidns::Relation::same:
        return open(number);
    case pidns::Relation::ancestor:
        return open_by_helper(pidns, number);
    default:
        return problem(Problem::foreign_namespace, trying(number), "that namespace is not below our own");
    }
}

} // namespace knell

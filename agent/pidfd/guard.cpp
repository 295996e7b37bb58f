#include "agent/pidfd/guard.hpp"

#include "agent/base/signals_blocked.hpp"
#include "agent/pidfd/descriptors.hpp"
#include "agent/pidfd/problem.hpp"
#include "agent/pidfd/signal_safe.hpp"

#include <linux/sched.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>

namespace knell {
namespace {

struct Line {
    Fd handle;
    Fd guard_end;
};

Result<Line> make_line() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        return system_failure("preparing a guard: socketpair", errno);
    }
    Line line{Fd(ends[0]), Fd(ends[1])};
    // Whoever holds the handle can say nothing to the guard: least of all fill its buffers.
    if (::shutdown(line.handle.get(), SHUT_WR) != 0) {
        return system_failure("preparing a guard: shutdown", errno);
    }
    return line;
}

// The guard finds descendants by the list of its children, in the numbers of its own pid namespace.
Result<> check_children_listed() {
    std::array<char, 16> self{};
    const ssize_t size = ::readlink("/proc/self", self.data(), self.size());
    const std::string_view number(self.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    if (number == std::to_string(::getpid()) && ::access("/proc/thread-self/children", R_OK) == 0) {
        return {};
    }
    return problem(Problem::no_procfs, "preparing a guard for descendants",
                   "it takes a procfs of our own pid namespace at /proc, and a kernel with CONFIG_PROC_CHILDREN");
}

// The guard's parent, which leaves at once: the guard is an orphan then.
[[noreturn]] void orphan_guard(Program& program, const Line& line, bool with_descendants,
                               const sigset_t& mask) noexcept {
    int unused = -1;
    const long pid = signal_safe::clone(0, 0, -1, unused);
    if (pid == 0) {
        run_guard(program, line.guard_end.get(), with_descendants, mask);
    }
    if (pid < 0) {
        give_up(line.guard_end.get(), {StartStep::guard, static_cast<int>(-pid), 0});
    }
    ::_exit(0);
}

Result<> make_guard(Program& program, const Line& line, bool with_descendants) {
    int pidfd = -1;
    long pid = -1;
    {
        const SignalsBlocked signals;
        // exit_signal 0: no SIGCHLD of ours, and nobody else who waits for children sees it.
        pid = signal_safe::clone(CLONE_PIDFD | CLONE_VFORK, 0, -1, pidfd);
        if (pid == 0) {
            orphan_guard(program, line, with_descendants, signals.before());
        }
    }
    if (pid < 0) {
        return program.failure({StartStep::guard, static_cast<int>(-pid), 0});
    }
    auto parent = Pidfd::adopt(Fd(pidfd));
    if (!parent) {
        return std::unexpected(std::move(parent.error()));
    }
    (void)parent->wait(); // fails only if somebody who waits for everything was quicker
    return {};
}

} // namespace

Result<Guarded> start_guarded(Program& program, bool with_descendants) {
    if (auto listed = with_descendants ? check_children_listed() : Result<>(); !listed) {
        return std::unexpected(std::move(listed.error()));
    }
    auto line = make_line();
    if (!line) {
        return std::unexpected(std::move(line.error()));
    }
    if (auto made = make_guard(program, *line, with_descendants); !made) {
        return std::unexpected(std::move(made.error()));
    }
    line->guard_end.reset();
    auto received = receive_descriptors(line->handle, sizeof(StartReport));
    if (!received) {
        return failure_in("waiting for a guard", std::move(received.error()));
    }
    StartReport report{StartStep::tie_to_guard, ESRCH, 0}; // it died and could not say why
    if (received->message.size() == sizeof(report)) {
        std::memcpy(&report, received->message.data(), sizeof(report));
    }
    if (report.step != StartStep::none || received->descriptors.size() != 1) {
        return program.failure(report);
    }
    auto process = Pidfd::adopt(std::move(received->descriptors.front()));
    if (!process) {
        return std::unexpected(std::move(process.error()));
    }
    return Guarded{std::move(*process), std::move(line->handle)};
}

Result<std::optional<int>> ask_guard(const Fd& handle, std::optional<Instant> deadline) {
    pollfd entry{.fd = handle.get(), .events = POLLIN, .revents = 0};
    int ready = -1;
    do {
        // Rounded up: a wait of less than a millisecond is not none.
        const Nanoseconds left = deadline ? elapsed(monotonic_now(), *deadline) : 0;
        const auto milliseconds = std::min<Nanoseconds>((left / kMillisecond) + (left % kMillisecond != 0 ? 1 : 0),
                                                        std::numeric_limits<int>::max());
        ready = ::poll(&entry, 1, deadline ? static_cast<int>(milliseconds) : -1);
    } while (ready < 0 && errno == EINTR);
    if (ready <= 0) {
        return ready == 0 ? Result<std::optional<int>>(std::nullopt) : system_failure("waiting for a guard", errno);
    }
    int status = 0;
    const ssize_t size = ::recv(handle.get(), &status, sizeof(status), MSG_PEEK | MSG_DONTWAIT);
    if (size < 0) {
        return system_failure("reading what a guard has told", errno);
    }
    if (size != static_cast<ssize_t>(sizeof(status))) {
        return system_failure("reading what a guard has told", ECHILD, "it was killed before it could tell");
    }
    return status;
}

} // namespace knell

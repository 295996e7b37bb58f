#include "agent/pidfd/kill_on_close.hpp"

#include "agent/base/signals_blocked.hpp"
#include "agent/pidfd/abi.hpp"
#include "agent/pidfd/descriptors.hpp"
#include "agent/pidfd/features.hpp"
#include "agent/pidfd/guard.hpp"
#include "agent/pidfd/program.hpp"
#include "agent/pidfd/signal_safe.hpp"

#include <linux/sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>

namespace knell {
namespace {

// The child of CLONE_PIDFD_AUTOKILL, until it is the program. The kernel's pidfd is the handle, and every duplicate of
// it keeps the process alive. One without that power can be opened for certain here only: outside, the number may be
// another process's already, since nobody has to reap this one.
[[noreturn]] void tell_and_execute(Program& program, int socket, const sigset_t& mask) noexcept {
    const std::array self{static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0))};
    if (self[0] < 0) {
        give_up(socket, {StartStep::guard, errno, 0});
    }
    if (const ssize_t sent = signal_safe::send(socket, "p", self); sent < 0) {
        give_up(socket, {StartStep::guard, static_cast<int>(-sent), 0});
    }
    program.execute(socket, mask);
}

// EPERM: without CAP_SYS_ADMIN the kernel demands no_new_privs, which changes what set-user-ID programs do and is not
// ours to impose.
Result<Guarded> start_autokilled(Program& program) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0) {
        return system_failure("starting a process: socketpair", errno);
    }
    const Fd ours(ends[0]);
    const Fd childs(ends[1]);
    const bool no_new_privs = ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
    const std::uint64_t flags = CLONE_PIDFD | CLONE_VFORK | abi::kCloneAutoreap | abi::kClonePidfdAutokill |
                                (no_new_privs ? abi::kCloneNnp : 0) | program.clone_flags();
    int pidfd = -1;
    long pid = -1;
    {
        const SignalsBlocked signals;
        pid = signal_safe::clone(flags, 0, program.cgroup(), pidfd);
        if (pid == 0) {
            tell_and_execute(program, childs.get(), signals.before());
        }
    }
    if (pid < 0) {
        return program.failure({StartStep::clone, static_cast<int>(-pid), 0});
    }
    Fd handle(pidfd);
    // CLONE_VFORK: all that the child has to tell is there.
    auto told = receive_descriptors(ours);
    if (!told) {
        return failure_in("receiving a pidfd from the started process", std::move(told.error()));
    }
    StartReport report;
    const bool failed_first = told->descriptors.empty() && told->message.size() == sizeof(report);
    if (failed_first) {
        std::memcpy(&report, told->message.data(), sizeof(report));
    }
    if (failed_first || ::recv(ours.get(), &report, sizeof(report), 0) == static_cast<ssize_t>(sizeof(report))) {
        return program.failure(report);
    }
    auto process = Pidfd::adopt(std::move(told->descriptors.front()));
    if (!process) {
        return std::unexpected(std::move(process.error()));
    }
    return Guarded{std::move(*process), std::move(handle)};
}

} // namespace

Result<KillOnClose> KillOnClose::spawn(const SpawnOptions& options, Scope scope) {
    auto program = Program::prepare(options);
    if (!program) {
        return std::unexpected(std::move(program.error()));
    }
    if (scope == Scope::process && available(PidfdFeature::autokill)) {
        auto started = start_autokilled(*program);
        if (started) {
            return KillOnClose(std::move(started->process), std::move(started->handle), false);
        }
        if (started.error().errno_value != EPERM) {
            return std::unexpected(std::move(started.error()));
        }
    }
    auto started = start_guarded(*program, scope == Scope::descendants);
    if (!started) {
        return std::unexpected(std::move(started.error()));
    }
    return KillOnClose(std::move(started->process), std::move(started->handle), true);
}

Result<std::optional<int>> KillOnClose::wait(std::optional<Nanoseconds> patience) const {
    std::optional<Instant> deadline;
    if (patience) {
        const Instant now = monotonic_now();
        deadline = now + std::min(*patience, std::numeric_limits<Instant>::max() - now);
    }
    const auto state = process_.poll(ProcessState::zombie, patience);
    if (!state) {
        return std::unexpected(state.error());
    }
    if (*state == ProcessState::running) {
        return std::nullopt;
    }
    // The kernel tells of a zombie, and since 6.15 of what was reaped; in between the guard does.
    if (const auto status = process_.exit_status()) {
        return status;
    }
    if (guarded_ && handle_) {
        auto told = ask_guard(handle_, deadline);
        if (told || told.error().errno_value != ECHILD) {
            return told;
        }
    }
    return status_after_reap(deadline);
}

// Nobody guards it (any more): whoever reaps it, the kernel remembers, if it is 6.15.
Result<std::optional<int>> KillOnClose::status_after_reap(std::optional<Instant> deadline) const {
    if (available(PidfdFeature::exit_info)) {
        const auto left = deadline ? std::optional(elapsed(monotonic_now(), *deadline)) : std::nullopt;
        const auto state = process_.poll(ProcessState::reaped, left);
        if (!state) {
            return std::unexpected(state.error());
        }
        if (*state != ProcessState::reaped) {
            return std::nullopt;
        }
        if (const auto status = process_.exit_status()) {
            return status;
        }
    }
    return system_failure("waiting for a guarded process", ECHILD,
                          "its guard cannot be asked, and this kernel does not tell how reaped processes ended");
}

} // namespace knell

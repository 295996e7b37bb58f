#include "agent/pidfd/spawn.hpp"

#include "agent/base/signals_blocked.hpp"
#include "agent/pidfd/pidfd.hpp"
#include "agent/pidfd/program.hpp"
#include "agent/pidfd/signal_safe.hpp"

#include <fcntl.h>
#include <linux/sched.h>
#include <unistd.h>

#include <array>

namespace knell {

Result<Pidfd> Pidfd::spawn(const SpawnOptions& options) {
    auto program = Program::prepare(options);
    if (!program) {
        return std::unexpected(std::move(program.error()));
    }
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) {
        return system_failure("starting '" + options.argv[0] + "': pipe2", errno);
    }
    const Fd reader(ends[0]);
    const Fd writer(ends[1]);
    int pidfd = -1;
    long pid = -1;
    {
        const SignalsBlocked signals;
        // CLONE_VFORK: we go on when exec cannot fail any more or the child is dead. So the report is there if there is
        // one, and a writer that another thread's child has inherited cannot keep us waiting for the pipe's end.
        pid = signal_safe::clone(CLONE_PIDFD | CLONE_VFORK | program->clone_flags(), SIGCHLD, program->cgroup(), pidfd);
        if (pid == 0) {
            program->execute(writer.get(), signals.before());
        }
    }
    if (pid < 0) {
        return program->failure({StartStep::clone, static_cast<int>(-pid), 0});
    }
    Pidfd process{Fd(pidfd)};
    StartReport report;
    if (::read(reader.get(), &report, sizeof(report)) == static_cast<ssize_t>(sizeof(report))) {
        (void)process
            .wait(); // fails only if it was reaped already: by whoever waits for all children, or SIGCHLD ignored
        return program->failure(report);
    }
    return process;
}

} // namespace knell

#pragma once

#include "agent/base/clock.hpp"
#include "agent/base/fd.hpp"
#include "agent/base/result.hpp"
#include "agent/pidfd/pidfd.hpp"
#include "agent/pidfd/spawn.hpp"

#include <optional>

namespace knell {

// A process that is killed (SIGKILL) when the last descriptor of its handle is closed, whoever holds it then and
// however the holder ends, SIGKILL included. The handle can be passed to other processes; the process lives as long as
// one of them keeps it.
//
// CLONE_PIDFD_AUTOKILL does this in the kernel (7.1; it takes CAP_SYS_ADMIN or no_new_privs). Otherwise a small guard
// process, "knell-guard", stands between: it is the parent of the process, waits for the handle's other end to hang up
// and kills then; and the process dies if the guard does (PR_SET_PDEATHSIG). The guard has a session of its own, blocks
// all signals, holds none of our descriptors and goes when there is nothing left to guard. It is not our child: waiting
// for children never shows it, unless we are a subreaper or init, to whom it comes as any orphan does. It is a copy of
// the process that starts it, whose memory it shares until one of the two writes to it. What is covered, and what is
// not, is written at each scope.
class KillOnClose {
  public:
    enum class Scope {
        // The process alone, as the kernel does it. What it forked lives on. With a guard: a process that changes its
        // user, group or capabilities (setuid(2), a set-user-ID program, file capabilities) loses the tie to the
        // guard's death (kernel/cred.c, commit_creds), not the one to the handle: it lives on if the guard is killed;
        // and a guard without CAP_KILL cannot kill it while it is another user's. A guard that is stopped (SIGSTOP)
        // kills once it is continued.
        process,
        // And all its descendants, also those that left its session or were orphaned: always with a guard, which adopts
        // orphans (PR_SET_CHILD_SUBREAPER) and kills until none is left. When the process itself has ended, its
        // descendants live until the handle is closed. Not covered: descendants of a guard that was itself killed,
        // except the process; and those of other users, as above. It takes a procfs of our pid namespace at /proc.
        descendants,
    };

    // Starts the program. Errors as Pidfd::spawn(); no_procfs: Scope::descendants without a usable /proc.
    static Result<KillOnClose> spawn(const SpawnOptions& options, Scope scope = Scope::process);

    // The process. Neither keeps it alive nor kills it.
    [[nodiscard]] const Pidfd& process() const { return process_; }

    // What keeps it alive: dup it, pass it on (send_descriptors). It takes nothing, and what can be read from it
    // is for wait(). poll(2) reports POLLIN once the process has ended.
    [[nodiscard]] const Fd& handle() const { return handle_; }

    // Gives up the handle without closing it, to be kept elsewhere.
    [[nodiscard]] Fd release_handle() && { return std::move(handle_); }

    // Waits for the end of the process; its wait status, in each call again. nullopt: it did not end within `patience`
    // (absent: for ever). ECHILD: the status was lost (the kernel is older than 6.15, and the guard was killed or the
    // handle was released).
    [[nodiscard]] Result<std::optional<int>> wait(std::optional<Nanoseconds> patience = std::nullopt) const;

  private:
    KillOnClose(Pidfd process, Fd handle, bool guarded)
        : process_(std::move(process)), handle_(std::move(handle)), guarded_(guarded) {}
    [[nodiscard]] Result<std::optional<int>> status_after_reap(std::optional<Instant> deadline) const;

    Pidfd process_;
    Fd handle_;
    bool guarded_; // the handle is a line to a guard; otherwise it is the pidfd of CLONE_PIDFD_AUTOKILL
};

} // namespace knell

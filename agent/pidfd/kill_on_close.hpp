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
// CLONE_PIDFD_AUTOKILL does this in the kernel (7.1). Before, a small guard process stands between: it is the parent of
// the process, waits for the handle's other end to hang up and kills then; and the process dies if the guard does
// (PR_SET_PDEATHSIG). What is covered, and what is not, is written at each scope.
class KillOnClose {
  public:
    enum class Scope {
        // The process alone, as the kernel does it. What it forked lives on. With a guard: a process that executes a
        // set-user-ID program loses the tie to the guard's death (not to the handle), and only if the guard was killed.
        process,
        // And all its descendants, also those that left its session or were orphaned: always with a guard, which adopts
        // orphans (PR_SET_CHILD_SUBREAPER) and kills until none is left. Not covered: descendants of a guard that was
        // itself killed, except the process.
        descendants,
    };

    // Starts the program. Errors as Pidfd::spawn().
    static Result<KillOnClose> spawn(const SpawnOptions& options, Scope scope = Scope::process);

    // The process. Neither keeps it alive nor kills it.
    [[nodiscard]] const Pidfd& process() const { return process_; }

    // What keeps it alive: dup it, pass it on (send_descriptors); it says nothing and takes nothing.
    [[nodiscard]] const Fd& handle() const { return handle_; }

    // Gives up the handle without closing it, to be kept elsewhere.
    [[nodiscard]] Fd release_handle() && { return std::move(handle_); }

    // Waits for the end of the process; its wait status. nullopt: it did not end within `patience` (absent: for ever).
    // ECHILD: the status was lost (the guard was killed, and the kernel is older than 6.15).
    [[nodiscard]] Result<std::optional<int>> wait(std::optional<Nanoseconds> patience = std::nullopt);

  private:
    KillOnClose(Pidfd process, Fd handle) : process_(std::move(process)), handle_(std::move(handle)) {}

    Pidfd process_;
    Fd handle_;
};

} // namespace knell

#pragma once

#include "agent/base/clock.hpp"
#include "agent/base/fd.hpp"
#include "agent/base/result.hpp"
#include "agent/pidfd/pidfd.hpp"
#include "agent/pidfd/program.hpp"

#include <csignal>
#include <optional>

// The guard of a KillOnClose (kill_on_close.hpp): a process that is the parent of the guarded one and kills it when the
// handle is closed.
//
// Handle and guard hold the two ends of a line: a pair of sockets on which the guard alone can send. It sends a
// StartReport, with the pidfd of the process attached where it runs, and later the wait status of the process, which
// stays in the line for everybody to look at: so the status is known on kernels that forget it (before 6.15). The last
// close of the handle hangs up the guard's end. The end of the guard hangs up the handle.
//
// The guard is nobody's child: whoever starts one need not wait for it, and cannot see it by waiting for all children.
// Its parent is init, or the nearest subreaper, which has asked for the orphans of its descendants and may be the
// caller. Not installed.
namespace knell {

struct Guarded {
    Pidfd process;
    Fd handle;
};

// Starts the program under a guard. Blocks until the program runs or the start has failed.
Result<Guarded> start_guarded(Program& program, bool with_descendants);

// The wait status, from the line. nullopt: the guard has not told it before `deadline` (absent: waits for ever).
// ECHILD: the guard is gone and has told nothing.
Result<std::optional<int>> ask_guard(const Fd& handle, std::optional<Instant> deadline);

// The life of the guard, in the process that is to be one, with all signals blocked. `mask`: what is blocked in the
// program unless its options say otherwise.
[[noreturn]] void run_guard(Program& program, int line, bool with_descendants, const sigset_t& mask) noexcept;

} // namespace knell

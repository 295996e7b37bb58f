#pragma once

#include "agent/base/clock.hpp"
#include "agent/base/fd.hpp"
#include "agent/base/result.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <sys/types.h>

namespace knell {

struct ProcessInfo;
struct SpawnOptions;

// To whom a signal goes.
enum class SignalScope {
    as_opened,     // the process, or the thread if the pidfd is a thread's
    thread,        // this thread alone (PIDFD_SIGNAL_THREAD, 6.9)
    process,       // its whole process (PIDFD_SIGNAL_THREAD_GROUP, 6.9)
    process_group, // the group that it leads (PIDFD_SIGNAL_PROCESS_GROUP, 6.9), also after the leader was reaped
};

// Kinds of namespaces a process is in; the order is the kernel's (PIDFD_GET_*_NAMESPACE).
enum class NamespaceKind { cgroup, ipc, mnt, net, pid, pid_for_children, time, time_for_children, user, uts };

// How far a process has come.
enum class ProcessState {
    running,
    zombie, // dead, not reaped; for a pidfd of a thread: the thread has ended
    reaped, // known since 6.9 by POLLHUP, before by fdinfo
};

// A process (or thread), held by descriptor: it can never turn into another one, whatever happens to its number.
// Close-on-exec always. Acquiring (number to descriptor) is the only racy step: the number may have been recycled
// before the call. Operating takes the descriptor and cannot miss. Owns the descriptor; moves, never copies (dup() says
// so). All functions may be called from any thread; a Pidfd itself is not synchronised.
class Pidfd {
  public:
    // --- Acquire ---

    // pidfd_open(2), 5.3. gone: no such process. EINVAL: the number is a thread's (ENOENT since 6.9: both answered as
    // EINVAL here). EMFILE, ENFILE, ENOMEM: out of descriptors or memory.
    static Result<Pidfd> open(pid_t pid);

    // A thread (PIDFD_THREAD, 6.9). kernel_too_old before. gone: no such thread.
    static Result<Pidfd> open_thread(pid_t tid);

    // The process that has `number` in the pid namespace `pidns` (a descriptor of a /proc/PID/ns/pid kind). Race-free:
    // the number is asked again while the pidfd holds the process. NS_GET_PID_FROM_PIDNS (6.11); before, a helper
    // process inside that namespace opens it and sends the pidfd back (CAP_SYS_ADMIN; a namespace whose init is dead
    // cannot be entered: gone). foreign_namespace: the process is not visible from our own pid namespace.
    static Result<Pidfd> open_in(const Fd& pidns, pid_t number);

    // Starts a program (clone3 with CLONE_PIDFD, 5.2: no moment in which the number could be recycled). Failures before
    // and of exec are the result's errno; no child is left behind. The child has to be waited for: wait().
    static Result<Pidfd> spawn(const SpawnOptions& options);

    // Takes a descriptor from elsewhere. not_a_pidfd: it is something else; it is closed then. A /proc/PID directory is
    // refused too, although pidfd_send_signal would take it.
    static Result<Pidfd> adopt(Fd fd);

    // The process that connected or created the other end of a UNIX socket (SO_PEERPIDFD, 6.5; kernel_too_old before).
    // gone: that process was reaped and the kernel keeps no pidfd for it (before 6.16). ENODATA: the socket has no
    // peer.
    static Result<Pidfd> from_peer(const Fd& socket);

    // The calling process. Not for keeping over a fork(): there it still means the parent.
    static Result<Pidfd> self();

    // --- Operate ---

    [[nodiscard]] int fd() const { return fd_.get(); }
    // Gives the descriptor away: the way of a pidfd into another library.
    [[nodiscard]] Fd release() && { return std::move(fd_); }
    [[nodiscard]] Result<Pidfd> dup() const;

    // pidfd_send_signal(2), 5.1. gone: already reaped, or (process_group) it leads no group. no_permission.
    // foreign_namespace: it is in no pid namespace at or below ours. EINVAL: not a signal. kernel_too_old: a scope
    // other than as_opened before 6.9.
    [[nodiscard]] Result<> send_signal(int signal, SignalScope scope = SignalScope::as_opened) const;

    // Reaps a child and returns its wait status. nullopt: it did not end within `patience` (absent: for ever; 0: only a
    // look). ECHILD: not a child of ours, or already reaped. waitid(P_PIDFD), 5.4; children without an exit signal
    // (__WALL) too. Blocks; EINTR is not shown.
    [[nodiscard]] Result<std::optional<int>> wait(std::optional<Nanoseconds> patience = std::nullopt) const;

    // How far the process has come, after waiting for it to come to `at_least` or for `patience` (absent: for ever).
    // Of any process, not of children alone.
    [[nodiscard]] Result<ProcessState> poll(ProcessState at_least, std::optional<Nanoseconds> patience) const;

    // A duplicate of the process's descriptor `number` (pidfd_getfd(2), 5.6), close-on-exec. no_permission: takes
    // PTRACE_MODE_ATTACH. gone: it is exiting. EBADF keeps its kernel meaning here: it has no such descriptor.
    [[nodiscard]] Result<Fd> getfd(int number) const;

    // A descriptor of one of the process's namespaces. PIDFD_GET_*_NAMESPACE (6.11), before by procfd::open. Zombies
    // have left all but pid and user: those two come from procfs, the others are gone. no_permission: takes
    // PTRACE_MODE_READ.
    [[nodiscard]] Result<Fd> open_namespace(NamespaceKind kind) const;

    // Everything the kernel tells (info.hpp).
    [[nodiscard]] Result<ProcessInfo> info() const;

    // The wait status of a process that is dead: PIDFD_INFO_EXIT of one that was reaped (6.15: valid once the pidfd
    // reported POLLHUP), waitid of a child that was not (which leaves it a zombie), else the stat file of a zombie.
    // nullopt: it lives, or the kernel cannot tell.
    [[nodiscard]] std::optional<int> exit_status() const;

    // st_ino: unique for the boot and for the process since 6.9 (pidfs). 0 on older kernels, where all pidfds share one
    // anonymous inode: ProcessRef::of() knows the way for both.
    [[nodiscard]] Result<std::uint64_t> inode() const;

    // Whether both are the same process (two pidfds of one process and of one of its threads: the same inode only where
    // the thread is the leader). Since 6.9 by inode; before, by their numbers while both are not reaped, and false
    // once one of them is: the kernel keeps no more then.
    friend bool operator==(const Pidfd& a, const Pidfd& b);

  private:
    explicit Pidfd(Fd fd) : fd_(std::move(fd)) {}
    Fd fd_;
};

// "cgroup", "pid_for_children" ...
std::string_view name_of(NamespaceKind kind);

} // namespace knell

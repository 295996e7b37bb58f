#pragma once

#include "agent/base/fd.hpp"
#include "agent/base/result.hpp"

#include <cstdint>
#include <optional>
#include <sys/types.h>

namespace knell {

// A process, held by descriptor: it can never turn into another process, whatever happens to its number. Close-on-exec.
// Acquiring (number to descriptor) is the only racy step and is followed by a check of the identity; everything else
// takes the descriptor.
class Pidfd {
  public:
    // pidfd_open(2), since 5.3. ESRCH: no such process. EINVAL or ENOENT: the number is a thread's.
    // EMFILE, ENFILE, ENOMEM: out of descriptors or memory.
    static Result<Pidfd> open(pid_t pid);

    [[nodiscard]] int fd() const { return fd_.get(); }

    // st_ino: unique for the boot and for the process since 6.9 (pidfs). 0 on older kernels, where all pidfds share one
    // anonymous inode.
    [[nodiscard]] Result<std::uint64_t> inode() const;

    // The wait status of a process that was reaped (PIDFD_GET_INFO with PIDFD_INFO_EXIT, 6.15: valid once the pidfd
    // reported POLLHUP). nullopt: the kernel cannot tell, or the process is not reaped yet.
    [[nodiscard]] std::optional<int> exit_status() const;

    // pidfd_send_signal(2), since 5.1. ESRCH: already reaped.
    [[nodiscard]] Result<> send_signal(int signal) const;

  private:
    explicit Pidfd(Fd fd) : fd_(std::move(fd)) {}
    Fd fd_;
};

// Whether pidfds live in pidfs (6.9): they have an identity of their own and report POLLHUP when the process is reaped.
bool pidfs_available();

} // namespace knell

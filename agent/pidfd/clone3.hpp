#pragma once

#include "agent/base/fd.hpp"
#include "agent/base/result.hpp"

#include <cstdint>
#include <linux/sched.h>
#include <sys/types.h>

namespace knell {

struct Cloned {
    pid_t pid = -1; // 0 in the child
    Fd pidfd;       // with CLONE_PIDFD, in the parent
};

// clone3(2) in the manner of fork(): the child goes on from here, with a copy of the memory. In a program with threads
// the child may only make system calls that are safe after fork(). `exit_signal`: what the parent gets when the child
// dies; 0: nothing, and only waits with __WALL see the child. `cgroup`: a directory of cgroup v2 to be born in, with
// CLONE_INTO_CGROUP. EINVAL: a flag that this kernel does not know. ENOSYS: a seccomp filter refuses the call, and
// clone(2) knows no such flag.
Result<Cloned> clone3(std::uint64_t flags, int exit_signal = 0, int cgroup = -1);

} // namespace knell

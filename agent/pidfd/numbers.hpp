#pragma once

#include "agent/base/result.hpp"
#include "agent/pidfd/fdinfo.hpp"
#include "agent/pidfd/pidfd.hpp"

#include <sys/types.h>

namespace knell {

// Whether the procfs at /proc shows our own pid namespace. no_procfs: none is there, or another's. Not installed.
Result<> check_proc_is_ours();

// The number that fdinfo shows, with its two refusals as errors. gone: -1. foreign_namespace: 0. Not installed.
Result<pid_t> number_in_procfs(const Result<Fdinfo>& fdinfo);

// The number of a process (or of the thread, if the pidfd is a thread's) in the pid namespace of the caller.
// PIDFD_GET_INFO (6.13), which takes no procfs; before, fdinfo. gone: reaped. foreign_namespace: it has none there.
// no_procfs: before 6.13, the procfs at /proc is missing or shows another namespace. Not installed.
Result<pid_t> own_number(const Pidfd& pidfd);

} // namespace knell

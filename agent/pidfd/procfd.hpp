#pragma once

#include "agent/base/fd.hpp"
#include "agent/base/result.hpp"
#include "agent/pidfd/pidfd.hpp"

namespace knell::procfd {

// The /proc directory of exactly the process behind `pidfd`, in the procfs whose root is `procroot`, race-free: the
// process's number is read from the pidfd's fdinfo, the directory is opened, the number is read again. fdinfo shows the
// number only while the process holds it, so it was never free in between and the directory cannot be a stranger's;
// from then on the directory itself is pinned to the process. The procfs of a descendant pid namespace has other
// numbers: they are translated (pidns.hpp).
//
// gone: reaped. foreign_namespace: not visible in this procfs. hidden: alive, but hidden by hidepid. no_procfs:
// `procroot` is not the root of a procfs, or (with a descendant's, before 6.13) no procfs of our own is mounted at
// /proc. no_permission: with a descendant's, it takes PTRACE_MODE_READ over the namespace's init to learn whose procfs
// it is.
//
// The directory must not be given to other processes: it carries this procfs instance and its privileges.
Result<Fd> open(const Fd& procroot, const Pidfd& pidfd);

// The same with the procfs mounted at /proc.
Result<Fd> open(const Pidfd& pidfd);

// The root of a private procfs of the caller's pid namespace that is mounted nowhere: for hosts and containers without
// /proc, or with one that hides processes. fsopen(2), 5.2; no_permission: it takes CAP_SYS_ADMIN.
Result<Fd> private_root();

} // namespace knell::procfd

#pragma once

#include "agent/base/fd.hpp"
#include "agent/base/result.hpp"
#include "agent/pidfd/pidfd.hpp"

#include <string_view>
#include <sys/types.h>

// Pid namespaces, each named by a descriptor of the /proc/PID/ns/pid kind, which keeps it in existence: also after its
// init and all its processes have died.
namespace knell::pidns {

// The caller's own.
Result<Fd> own();

// The one a process is in (not the one its children will be in). Also of a zombie, by procfs. gone: reaped.
// no_permission: takes PTRACE_MODE_READ.
Result<Fd> of(const Pidfd& pidfd);

// The number of a process in a namespace; no race, the process is held. foreign_namespace: it has none there. gone:
// reaped. Namespaces below the caller's, and the caller's own. NS_GET_PID_IN_PIDNS (6.11; before 6.13 it takes a procfs
// of our own at /proc: no_procfs); before, NSpid of the pidfd's fdinfo, and of() with what that takes.
Result<pid_t> number_in(const Fd& pidns, const Pidfd& pidfd);

// The number in `to` of the process that has `number` in `from`. Between two namespaces of which neither needs to be
// the caller's, as long as the process is visible to the caller: Pidfd::open_in and number_in, with what these take.
// Only as true as numbers are: the process may be gone when the answer arrives; hold a Pidfd (by these two) where that
// matters. gone: `from` has no such process. foreign_namespace: it has no number in `to`, or is not visible to us.
Result<pid_t> translate(pid_t number, const Fd& from, const Fd& to);

enum class Relation {
    same,
    ancestor,   // a is above b
    descendant, // a is below b
    unrelated,
    undecidable, // the way up leaves what the caller may see (NS_GET_PARENT: EPERM), and the answer lies there
};
std::string_view name_of(Relation relation);

// How `a` stands to `b`. NS_GET_PARENT (4.9). Needs no living process in either.
Result<Relation> relation(const Fd& a, const Fd& b);

} // namespace knell::pidns

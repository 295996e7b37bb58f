#pragma once

#include "agent/base/result.hpp"

#include <string>
#include <string_view>

namespace knell {

// What a refusal means, in the words of the caller's task. The kernel uses one errno for several of these and several
// errnos for one of them, differently by version; the library tells them apart and answers with one errno each, so that
// a caller can branch on `Error::errno_value` or on problem_of().
enum class Problem {
    gone,              // ESRCH: it was reaped, or there never was such a process
    recycled,          // ESTALE: the number lives, but it is another process's now
    hidden,            // EACCES: it lives, but this procfs does not show it to us (hidepid)
    foreign_namespace, // EREMOTE: it is not in the pid namespace (or procfs instance) that was asked
    no_permission,     // EPERM
    no_procfs,         // ENODEV: what should be a procfs is none, or none is mounted
    not_a_pidfd,       // EBADF: the descriptor is something else
    kernel_too_old,    // ENOSYS: this kernel cannot answer, and there is no other way
    other,             // any other errno, as the kernel gave it
};

// "gone", "recycled", "hidden", "foreign_namespace" ...: for messages of machines.
std::string_view name_of(Problem problem);

// Of errors of this library's functions, except those of Pidfd::spawn() and KillOnClose::spawn(): the errno of a
// program that could not be started is exec's (EACCES: it may not be executed), not one of the meanings above.
Problem problem_of(const Error& error);

// "<tried>: <what the problem is> (<hint>)", with the problem's errno. `hint` says the likely cause or the next step;
// empty: the problem's own.
Failure problem(Problem problem, const std::string& tried, const std::string& hint = {});

} // namespace knell

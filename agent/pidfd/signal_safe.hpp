#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <sys/types.h>

// What a process made by clone may do before it executes a program, and what a guard (guard.hpp) does all its life. The
// process is the copy of one thread of a program with many: any lock may have been held by a thread that does not exist
// here. So nothing in this file allocates, locks or throws. Failures are negated errno values. Not installed.
namespace knell::signal_safe {

// clone3(2) as described at knell::clone3(): the child's number, 0 in the child. Where a seccomp filter refuses the
// call, clone(2), if it can do the same. `pidfd` is set in the parent, with CLONE_PIDFD.
long clone(std::uint64_t flags, int exit_signal, int cgroup, int& pidfd) noexcept;

// Closes all descriptors but `kept`, which are in ascending order, none negative; some may not be open. 0, or why some
// are still open.
int close_all_but(std::span<const int> kept) noexcept;

// One sendmsg(2) with descriptors (at most kMostDescriptors) attached: the number of bytes sent. No SIGPIPE.
ssize_t send(int socket, std::string_view message, std::span<const int> descriptors) noexcept;

} // namespace knell::signal_safe

#pragma once

#include <sys/types.h>

#include <cstdint>

namespace knell::test {

// The ways to make a pidfd, as system calls: a descriptor, or -1 with errno set. For children that were forked.

int make_pidfd(pid_t pid, unsigned flags = 0);
// Of a child that ends at once. `number`: the one that it gets, 0 = any.
int make_pidfd_by_clone(pid_t number = 0);
// Of the caller, by a socket between it and itself.
int make_pidfd_by_socket();

// 0: before Linux 6.9, or no pidfd.
std::uint64_t inode_of(int pidfd);

} // namespace knell::test

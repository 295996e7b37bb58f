#pragma once

#include "agent/base/result.hpp"
#include "agent/pidfd/pidfd.hpp"

#include <vector>

namespace knell {

// What /proc/thread-self/fdinfo/N tells of a pidfd. Not installed.
struct Fdinfo {
    int pid = -1;           // in the pid namespace of the procfs; -1: reaped, 0: not visible there
    std::vector<int> nspid; // from that namespace's level downward, `pid` first; empty when reaped or not visible
};

// In the procfs with the root `procroot`. not_a_pidfd: the descriptor has no Pid line. no_procfs: `procroot` is not the
// root of a procfs in which we ourselves are visible.
Result<Fdinfo> read_fdinfo(int procroot, const Pidfd& pidfd);

// In the procfs at /proc.
Result<Fdinfo> read_fdinfo(const Pidfd& pidfd);

} // namespace knell

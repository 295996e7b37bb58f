#pragma once

#include "agent/base/fd.hpp"
#include "agent/base/result.hpp"

namespace knell {

// Makes the kernel count the runs and the time of BPF programs (BPF_ENABLE_STATS, 5.8) for as long as the descriptor is
// open. Costs every BPF program of the machine two clock reads a run. EPERM: needs CAP_SYS_ADMIN.
Result<Fd> enable_bpf_stats();

} // namespace knell

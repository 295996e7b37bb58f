#include "agent/probe/bpf_stats.hpp"

#include <bpf/bpf.h>

namespace knell {

Result<Fd> enable_bpf_stats() {
    const int fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
    if (fd < 0) {
        return system_failure("enabling BPF run-time statistics", -fd, "needs CAP_SYS_ADMIN");
    }
    return Fd(fd);
}

} // namespace knell

#pragma once

#include "agent/base/fd.hpp"
#include "agent/base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace knell::procfd {

// What /proc/PID/stat says (proc_pid_stat(5)).
struct Stat {
    std::string comm;
    char state = '?';
    std::uint32_t ppid = 0;
    std::uint32_t flags = 0;       // PF_*
    std::uint64_t start_ticks = 0; // since boot, CLOCK_BOOTTIME, in clock ticks
    std::uint64_t virtual_bytes = 0;
    std::uint64_t resident_pages = 0;
    int exit_status = 0; // wait status of a zombie; 0 unless ptrace access is allowed: read_exit_status()
    [[nodiscard]] bool kernel_thread() const { return (flags & 0x00200000) != 0; } // PF_KTHREAD
    [[nodiscard]] bool zombie() const { return state == 'Z' || state == 'X'; }
};

// Pure. comm may contain anything, ") R 1" included: the last ')' ends it.
Result<Stat> parse_stat(std::string_view text);

// Reads and parses `stat` in a directory made by open(). ESRCH once the process was reaped.
Result<Stat> read_stat(const Fd& directory);

// The wait status of a zombie, by a directory made by open(). EAGAIN: it is none yet. EACCES: the kernel does not tell
// us, it takes the same user or CAP_SYS_PTRACE. ESRCH: reaped.
Result<int> read_exit_status(const Fd& directory);

} // namespace knell::procfd

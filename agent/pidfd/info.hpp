#pragma once

#include <cstdint>
#include <optional>

namespace knell {

// What Pidfd::info() says, from PIDFD_GET_INFO (6.13) or, on older kernels, from fdinfo and /proc/PID/status. A field
// is absent where this kernel, or the process's state, has no answer: an absent field is never a zero.
struct ProcessInfo {
    struct Credentials {
        std::uint32_t ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
    };
    enum class CoreDump { as_user, as_root };

    std::optional<std::uint32_t> pid;  // the thread's, in our pid namespace; absent once reaped
    std::optional<std::uint32_t> tgid; // the process's
    std::optional<std::uint32_t> ppid; // 0: the parent is outside our pid namespace
    std::optional<Credentials> credentials;
    std::optional<std::uint64_t> cgroup_id; // in the cgroup v2 hierarchy
    bool zombie = false;
    bool reaped = false;
    std::optional<int> exit_status;      // wait status; only once reaped (6.15)
    std::optional<CoreDump> core_dump;   // 6.16, core dumps over a socket only
    std::optional<int> core_dump_signal; // 6.19
};

} // namespace knell

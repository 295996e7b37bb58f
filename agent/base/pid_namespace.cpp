#include "agent/base/pid_namespace.hpp"

#include <sys/stat.h>

#include <cerrno>

namespace knell {

Result<std::uint32_t> own_pid_namespace() {
    constexpr ino_t kInitial = 0xEFFFFFFC; // PROC_PID_INIT_INO, include/linux/proc_ns.h
    struct stat space{};
    if (::stat("/proc/self/ns/pid", &space) != 0) {
        return system_failure("asking /proc/self/ns/pid for our pid namespace", errno,
                              "a procfs has to be mounted at /proc, of our own pid namespace or one above it");
    }
    return space.st_ino == kInitial ? 0 : static_cast<std::uint32_t>(space.st_ino);
}

} // namespace knell

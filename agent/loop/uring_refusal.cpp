#include "agent/loop/uring_refusal.hpp"

#include <cerrno>
#include <fstream>

namespace knell {

namespace {

// Documentation/admin-guide/sysctl/kernel.rst, io_uring_disabled. The seccomp defaults: containerd 2.0 (PR 9320), moby
// 25 (PR 46762).
std::string_view explain_permission(std::string_view disabled) {
    if (disabled == "2") {
        return "kernel.io_uring_disabled is 2, off for everybody; sysctl -w kernel.io_uring_disabled=0 allows it";
    }
    if (disabled == "1") {
        return "kernel.io_uring_disabled is 1, only for CAP_SYS_ADMIN and the group in kernel.io_uring_group; "
               "sysctl -w kernel.io_uring_disabled=0 allows it";
    }
    return "probably the container's seccomp profile: the defaults refuse io_uring since containerd 2.0 and Docker 25; "
           "a profile of its own can allow io_uring_setup and io_uring_enter";
}

} // namespace

std::string_view explain_uring_refusal(int errno_value, std::string_view disabled) {
    switch (errno_value) {
    case EPERM:
    case EACCES:
        return explain_permission(disabled);
    case ENOSYS:
        return "the kernel is built without CONFIG_IO_URING, or a seccomp profile hides it";
    case ENOMEM:
        return "no memory for the rings: raise the memory limit of the cgroup, before Linux 5.12 RLIMIT_MEMLOCK";
    case EMFILE:
    case ENFILE:
        return "out of file descriptors: raise RLIMIT_NOFILE, or fs.file-max";
    case EINVAL:
        return "the kernel's io_uring is too old: Linux 5.11 is needed";
    default:
        return "unexpected";
    }
}

std::string read_uring_disabled() {
    std::string value;
    std::ifstream("/proc/sys/kernel/io_uring_disabled") >> value;
    return value;
}

} // namespace knell

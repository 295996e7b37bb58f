#include "agent/pidfd/pidfd.hpp"

#include "agent/pidfd/abi.hpp"
#include "agent/pidfd/features.hpp"
#include "agent/pidfd/problem.hpp"
#include "agent/pidfd/procfd.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>

#include <array>
#include <string>

namespace knell {
namespace {

// As they are called in /proc/PID/ns.
constexpr std::array<std::string_view, 10> kNames{
    "cgroup", "ipc", "mnt", "net", "pid", "pid_for_children", "time", "time_for_children", "user", "uts"};

// A dead process has let go of its nsproxy; its pid (struct pid) and its user namespace (credentials) stay until the
// reap.
bool zombies_have(NamespaceKind kind) {
    return kind == NamespaceKind::pid || kind == NamespaceKind::user;
}

Failure refused(const std::string& tried) {
    return problem(Problem::no_permission, tried, "it takes the same user and a dumpable process, or CAP_SYS_PTRACE");
}

Result<Fd> open_by_procfs(const Pidfd& pidfd, NamespaceKind kind, const std::string& tried) {
    const auto directory = procfd::open(pidfd);
    if (!directory) {
        return failure_in(tried, directory.error());
    }
    const std::string link = "ns/" + std::string(name_of(kind));
    Fd opened(::openat(directory->get(), link.c_str(), O_RDONLY | O_CLOEXEC));
    if (opened) {
        return opened;
    }
    const int refusal = errno;
    switch (refusal) {
    case ESRCH:
        return problem(Problem::gone, tried);
    case EACCES:
    case EPERM:
        return refused(tried);
    case ENOENT: {
        const auto state = pidfd.poll(ProcessState::running, 0);
        if (state && *state != ProcessState::running) {
            return problem(Problem::gone, tried, "the process is dead and has left it");
        }
        return system_failure(
            tried, refusal,
            kind == NamespaceKind::pid_for_children
                ? "no child was born into it yet"
                : "the process is exiting, its first thread has ended, or this kernel has no such namespaces");
    }
    default:
        return system_failure(tried, refusal);
    }
}

// What has no namespaces of its own any more.
Failure left_behind(const Pidfd& pidfd, const std::string& tried) {
    const auto state = pidfd.poll(ProcessState::running, 0);
    if (state && *state == ProcessState::running) {
        return system_failure(tried, ENODATA, "its first thread has ended and has left it; others live on");
    }
    return problem(Problem::gone, tried, "the process is dead and has left it");
}

} // namespace

std::string_view name_of(NamespaceKind kind) {
    return kNames[static_cast<std::size_t>(kind)];
}

Result<Fd> Pidfd::open_namespace(NamespaceKind kind) const {
    const std::string tried = "opening the " + std::string(name_of(kind)) + " namespace of a process";
    if (!available(PidfdFeature::namespace_ioctls)) {
        return open_by_procfs(*this, kind, tried);
    }
    Fd opened(::ioctl(fd(), abi::kPidfdGetFirstNamespace + static_cast<unsigned long>(kind), 0));
    if (opened) {
        return opened;
    }
    const int refusal = errno;
    switch (refusal) {
    case ESRCH:
        // The ioctl asks for the nsproxy first, whatever namespace is wanted, and a zombie has none (fs/pidfs.c,
        // pidfd_ioctl).
        return zombies_have(kind) ? open_by_procfs(*this, kind, tried) : left_behind(*this, tried);
    case EACCES:
    case EPERM:
        return refused(tried);
    case EOPNOTSUPP:
        return system_failure(tried, refusal, "this kernel has no such namespaces");
    default:
        return system_failure(tried, refusal);
    }
}

} // namespace knell

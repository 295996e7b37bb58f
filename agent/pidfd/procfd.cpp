#include "agent/pidfd/procfd.hpp"

#include "agent/pidfd/abi.hpp"
#include "agent/pidfd/fdinfo.hpp"
#include "agent/pidfd/numbers.hpp"
#include "agent/pidfd/pidns.hpp"
#include "agent/pidfd/problem.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <string>

namespace knell::procfd {
namespace {

constexpr ino_t kProcfsRootInode = 1; // PROC_ROOT_INO, include/linux/proc_ns.h

// Opens the directory `prefix`NUMBER below `root`. `number_of` tells the number while the process holds it, and fails
// from the reap on. It is asked before and after: a process keeps its number from birth to reap (kernel/pid.c,
// alloc_pid to free_pid), so one that is still there afterwards had it when the directory was opened.
template <typename NumberOf>
Result<Fd> open_numbered(int root, const char* prefix, const NumberOf& number_of) {
    const Result<pid_t> number = number_of();
    if (!number) {
        return std::unexpected(number.error());
    }
    const std::string path = prefix + std::to_string(*number);
    Fd directory(::openat(root, path.c_str(), O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_RDONLY));
    const int refusal = errno;
    if (const Result<pid_t> still = number_of(); !still) {
        return std::unexpected(still.error());
    }
    if (directory) {
        return directory;
    }
    // Alive before and after, yet no directory: hidepid=1 answers EPERM, 2 and 4 (ptraceable) ENOENT.
    return refusal == EPERM || refusal == ENOENT ? problem(Problem::hidden, "opening " + path)
                                                 : system_failure("opening " + path, refusal);
}

Result<> check_is_root(const Fd& procroot) {
    struct statfs filesystem{};
    struct stat root{};
    if (::fstatfs(procroot.get(), &filesystem) != 0 || ::fstat(procroot.get(), &root) != 0) {
        return system_failure("looking at the root of a procfs", errno);
    }
    if (filesystem.f_type != abi::kProcfsMagic || root.st_ino != kProcfsRootInode) {
        return problem(Problem::no_procfs, "looking at the root of a procfs",
                       "the descriptor is another directory: open /proc itself, or use a private procfs");
    }
    return {};
}

Failure no_namespace(int refusal, const Pidfd& pidfd) {
    const std::string tried = "opening 1/ns/pid of a procfs in which we have no number ourselves";
    switch (refusal) {
    case EPERM:
    case EACCES:
        return problem(Problem::no_permission, tried, "it takes CAP_SYS_PTRACE to learn whose procfs it is");
    case ENOENT:
    case ESRCH:
        // The namespace's init was reaped, and before it all other processes in there (kernel/pid_namespace.c,
        // zap_pid_ns_processes).
        if (const auto number = own_number(pidfd); !number) {
            return Failure(number.error());
        }
        return problem(Problem::foreign_namespace, tried,
                       "the process is not in its pid namespace, which has died, or it is mounted with hidepid");
    default:
        return system_failure(tried, refusal);
    }
}

// The procfs of a pid namespace that we are not in has no "thread-self" for us. Its namespace is known by its entry 1:
// no other process than the namespace's init ever has that number.
Result<Fd> open_translated(const Fd& procroot, const Pidfd& pidfd) {
    const Fd pidns(::openat(procroot.get(), "1/ns/pid", O_RDONLY | O_CLOEXEC));
    if (!pidns) {
        return no_namespace(errno, pidfd);
    }
    return open_numbered(procroot.get(), "", [&] { return pidns::number_in(pidns, pidfd); });
}

Failure refused(const std::string& tried, int refusal) {
    return refusal == EPERM ? problem(Problem::no_permission, tried,
                                      "it takes CAP_SYS_ADMIN in the user namespace that our pid namespace belongs to")
                            : system_failure(tried, refusal);
}

} // namespace

Result<Fd> open(const Fd& procroot, const Pidfd& pidfd) {
    if (auto checked = check_is_root(procroot); !checked) {
        return std::unexpected(std::move(checked.error()));
    }
    auto directory =
        open_numbered(procroot.get(), "", [&] { return number_in_procfs(read_fdinfo(procroot.get(), pidfd)); });
    if (!directory && problem_of(directory.error()) == Problem::no_procfs) {
        return open_translated(procroot, pidfd);
    }
    return directory;
}

Result<Fd> open(const Pidfd& pidfd) {
    return open_numbered(AT_FDCWD, "/proc/", [&] { return number_in_procfs(read_fdinfo(pidfd)); });
}

Result<Fd> private_root() {
    const Fd context(::fsopen("proc", FSOPEN_CLOEXEC));
    if (!context) {
        return refused("fsopen(proc)", errno);
    }
    if (::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
        return refused("creating a procfs with fsconfig", errno);
    }
    Fd root(::fsmount(context.get(), FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC));
    if (!root) {
        return refused("fsmount(proc)", errno);
    }
    return root;
}

} // namespace knell::procfd

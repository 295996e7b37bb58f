#include "agent/pidfd/fdinfo.hpp"

#include "agent/base/file.hpp"
#include "agent/pidfd/problem.hpp"
#include "agent/pidfd/proc_fields.hpp"

#include <fcntl.h>

#include <string>

namespace knell {
namespace {

constexpr const char* kReading = "reading a pidfd's fdinfo";

// Pid namespaces nest 32 deep (MAX_PID_NS_LEVEL), and a number has at most 10 digits.
constexpr std::size_t kMaxBytes = 4096;

Result<Fdinfo> read_at(int dirfd, const std::string& directory, const Pidfd& pidfd) {
    const std::string path = directory + std::to_string(pidfd.fd());
    auto text = read_small_file(dirfd, path.c_str(), kMaxBytes);
    if (!text) {
        switch (text.error().errno_value) {
        // The descriptor is ours and open, so it is the directory that is missing. A procfs in which we have no number
        // has no "thread-self" either.
        case ENOENT:
        case ENOTDIR:
        case EBADF:
            return problem(Problem::no_procfs, kReading,
                           text.error().message + ": no procfs of our pid namespace is there; mount one, or use a "
                                                  "private one");
        // fdinfo was its owner's alone, and root owns that of a process that is not dumpable (fs/proc/base.c, 5.13).
        case EACCES:
            return problem(Problem::no_permission, kReading,
                           text.error().message + ": before Linux 5.14 it takes a dumpable caller, see "
                                                  "prctl(PR_SET_DUMPABLE)");
        default:
            return failure_in(kReading, std::move(text.error()));
        }
    }
    const auto pid = find_numbers(*text, "Pid");
    if (!pid) {
        return problem(Problem::not_a_pidfd, kReading, path + " has no Pid line: the descriptor is something else");
    }
    Fdinfo info{.pid = static_cast<int>(pid->front()), .nspid = {}};
    if (info.pid > 0) {
        // A kernel without pid namespaces writes no NSpid line: then the one number is all there is.
        for (const std::int64_t number : find_numbers(*text, "NSpid").value_or(*pid)) {
            info.nspid.push_back(static_cast<int>(number));
        }
    }
    return info;
}

} // namespace

Result<Fdinfo> read_fdinfo(int procroot, const Pidfd& pidfd) {
    return read_at(procroot, "thread-self/fdinfo/", pidfd);
}

Result<Fdinfo> read_fdinfo(const Pidfd& pidfd) {
    return read_at(AT_FDCWD, "/proc/thread-self/fdinfo/", pidfd);
}

} // namespace knell

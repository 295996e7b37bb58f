#include "agent/pidfd/numbers.hpp"

#include "agent/pidfd/features.hpp"
#include "agent/pidfd/info.hpp"
#include "agent/pidfd/problem.hpp"

namespace knell {
namespace {

constexpr const char* kAsking = "asking for the number of a process";

} // namespace

// NSpid goes from the namespace of the procfs down to the process's own. Of ourselves it has one number exactly where
// both are the same.
Result<> check_proc_is_ours() {
    const auto self = Pidfd::self();
    const auto fdinfo = self ? read_fdinfo(*self) : std::unexpected(self.error());
    if (!fdinfo) {
        return std::unexpected(fdinfo.error());
    }
    if (fdinfo->nspid.size() != 1) {
        return problem(Problem::no_procfs, kAsking,
                       "/proc is the procfs of a pid namespace above ours: mount one of our own there");
    }
    return {};
}

Result<pid_t> number_in_procfs(const Result<Fdinfo>& fdinfo) {
    if (!fdinfo) {
        return std::unexpected(fdinfo.error());
    }
    if (fdinfo->pid < 0) {
        return problem(Problem::gone, kAsking, "it was reaped");
    }
    if (fdinfo->pid == 0) {
        return problem(Problem::foreign_namespace, kAsking,
                       "it is neither in the pid namespace of this procfs nor below it");
    }
    return fdinfo->pid;
}

Result<pid_t> own_number(const Pidfd& pidfd) {
    if (available(PidfdFeature::info)) {
        const auto info = pidfd.info();
        if (!info) {
            return std::unexpected(info.error());
        }
        return info->pid ? Result<pid_t>(static_cast<pid_t>(*info->pid))
                         : problem(Problem::gone, kAsking, "it was reaped");
    }
    if (const auto ours = check_proc_is_ours(); !ours) {
        return std::unexpected(ours.error());
    }
    return number_in_procfs(read_fdinfo(pidfd));
}

} // namespace knell

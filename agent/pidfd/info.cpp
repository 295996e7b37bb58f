#include "agent/pidfd/info.hpp"

#include "agent/base/file.hpp"
#include "agent/pidfd/abi.hpp"
#include "agent/pidfd/features.hpp"
#include "agent/pidfd/pidfd.hpp"
#include "agent/pidfd/problem.hpp"
#include "agent/pidfd/proc_fields.hpp"
#include "agent/pidfd/procfd.hpp"
#include "agent/pidfd/stat.hpp"
#include "agent/pidfd/wait_status.hpp"

#include <sys/ioctl.h>
#include <sys/wait.h>

#include <string>

namespace knell {
namespace {

constexpr const char* kAsking = "asking about a process";

// The bits of coredump_mask: PIDFD_COREDUMPED, PIDFD_COREDUMP_USER, PIDFD_COREDUMP_ROOT.
constexpr std::uint32_t kCoreDumped = 1U << 0;
constexpr std::uint32_t kCoreDumpUser = 1U << 2;
constexpr std::uint32_t kCoreDumpRoot = 1U << 3;

// The largest line of /proc/PID/status is "Groups:", with up to 65536 numbers (NGROUPS_MAX) of up to 10 digits.
constexpr std::size_t kMaxStatusBytes = std::size_t{1} << 20;

Result<abi::PidfdInfo> get_info(int pidfd, std::uint64_t mask) {
    abi::PidfdInfo info{};
    info.mask = mask;
    if (::ioctl(pidfd, abi::kPidfdGetInfo, &info) != 0) {
        return system_failure("ioctl(PIDFD_GET_INFO)", errno);
    }
    return info;
}

// Of a process that has not dumped the mask says what would be done with its core (fs/pidfs.c, pidfd_info): that is no
// dump, and one that was skipped looks the same.
std::optional<ProcessInfo::CoreDump> core_dump_of(std::uint32_t mask) {
    if ((mask & kCoreDumped) == 0) {
        return std::nullopt;
    }
    if ((mask & kCoreDumpUser) != 0) {
        return ProcessInfo::CoreDump::as_user;
    }
    if ((mask & kCoreDumpRoot) != 0) {
        return ProcessInfo::CoreDump::as_root;
    }
    return std::nullopt;
}

ProcessInfo translate(const abi::PidfdInfo& from) {
    ProcessInfo info;
    const auto has = [&from](std::uint64_t bit) { return (from.mask & bit) != 0; };
    if (has(abi::kPidfdInfoPid)) {
        info.pid = from.pid;
        info.tgid = from.tgid;
        info.ppid = from.ppid;
    }
    if (has(abi::kPidfdInfoCreds)) {
        info.credentials = ProcessInfo::Credentials{from.ruid, from.rgid, from.euid,  from.egid,
                                                    from.suid, from.sgid, from.fsuid, from.fsgid};
    }
    if (has(abi::kPidfdInfoCgroupId)) {
        info.cgroup_id = from.cgroupid;
    }
    // Asked for exit information, kernels up to 6.18 answer about a reaped process even if they have none. While it is
    // being reaped both are there: then it is a zombie still, as poll() sees it.
    info.reaped = !has(abi::kPidfdInfoPid);
    if (info.reaped && has(abi::kPidfdInfoExit)) {
        info.exit_status = from.exit_code;
    }
    if (has(abi::kPidfdInfoCoredump)) {
        info.core_dump = core_dump_of(from.coredump_mask);
    }
    if (has(abi::kPidfdInfoCoredumpSignal)) {
        info.core_dump_signal = static_cast<int>(from.coredump_signal);
    }
    return info;
}

Result<ProcessInfo> info_by_ioctl(const Pidfd& pidfd) {
    std::uint64_t mask = abi::kPidfdInfoPid | abi::kPidfdInfoCreds | abi::kPidfdInfoCgroupId | abi::kPidfdInfoCoredump |
                         abi::kPidfdInfoCoredumpSignal;
    if (available(PidfdFeature::exit_info)) {
        mask |= abi::kPidfdInfoExit;
    }
    auto answer = get_info(pidfd.fd(), mask);
    if (answer) {
        return translate(*answer);
    }
    // Of a process outside our pid namespace the kernel tells nothing: ESRCH, and EREMOTE since 7.0, 6.19.10 and
    // 6.18.14. What was reaped answers ESRCH too. poll() tells them apart.
    const Problem refusal = problem_of(answer.error());
    if (refusal != Problem::gone && refusal != Problem::foreign_namespace) {
        return failure_in(kAsking, std::move(answer.error()));
    }
    const auto state = pidfd.poll(ProcessState::running, 0);
    if (!state) {
        return std::unexpected(state.error());
    }
    if (*state != ProcessState::reaped) {
        return problem(Problem::foreign_namespace, kAsking, "it is in no pid namespace at or below ours");
    }
    ProcessInfo info;
    info.reaped = true;
    return info;
}

Result<ProcessInfo> parse_status(std::string_view text) {
    const auto tgid = find_numbers(text, "Tgid");
    const auto pid = find_numbers(text, "Pid");
    const auto ppid = find_numbers(text, "PPid");
    const auto uids = find_numbers(text, "Uid"); // real, effective, saved, file system
    const auto gids = find_numbers(text, "Gid");
    if (!tgid || !pid || !ppid || !uids || uids->size() != 4 || !gids || gids->size() != 4) {
        return system_failure("parsing /proc/PID/status: Tgid, Pid, PPid, Uid or Gid is missing", EPROTO);
    }
    const auto number = [](std::int64_t value) { return static_cast<std::uint32_t>(value); };
    const auto uid = [&](std::size_t which) { return number((*uids)[which]); };
    const auto gid = [&](std::size_t which) { return number((*gids)[which]); };
    ProcessInfo info;
    info.pid = number(pid->front());
    info.tgid = number(tgid->front());
    info.ppid = number(ppid->front());
    info.credentials = ProcessInfo::Credentials{uid(0), gid(0), uid(1), gid(1), uid(2), gid(2), uid(3), gid(3)};
    return info;
}

// The numbers are those of the pid namespace whose procfs is mounted at /proc: ours, unless somebody gave us another.
Result<ProcessInfo> info_by_procfs(const Pidfd& pidfd) {
    const auto directory = procfd::open(pidfd);
    const auto text =
        directory ? read_small_file(directory->get(), "status", kMaxStatusBytes) : std::unexpected(directory.error());
    if (text) {
        return parse_status(*text);
    }
    // ENOENT of a file that every process has: the reap came while the kernel looked it up, see procfd::read_stat().
    const bool reaped = problem_of(text.error()) == Problem::gone || (directory && text.error().errno_value == ENOENT);
    if (!reaped) {
        return failure_in(kAsking, text.error());
    }
    ProcessInfo info;
    info.reaped = true;
    return info;
}

// PIDFD_INFO_EXIT, which a process has once it was reaped.
std::optional<int> status_of_reaped(const Pidfd& pidfd) {
    if (!available(PidfdFeature::exit_info)) {
        return std::nullopt;
    }
    const auto answer = get_info(pidfd.fd(), abi::kPidfdInfoExit);
    return answer && (answer->mask & abi::kPidfdInfoExit) != 0 ? std::optional(answer->exit_code) : std::nullopt;
}

// The status of a dead child that is left unreaped.
std::optional<int> look_at_child(const Pidfd& pidfd) {
    siginfo_t ended{};
    const int options = WEXITED | WNOHANG | WNOWAIT | __WALL;
    if (::waitid(P_PIDFD, static_cast<id_t>(pidfd.fd()), &ended, options) != 0 || ended.si_pid == 0) {
        return std::nullopt;
    }
    return wait_status(ended);
}

std::optional<int> status_of_zombie(const Pidfd& pidfd) {
    if (const auto status = look_at_child(pidfd)) {
        return status;
    }
    // The stat file speaks of the first thread, which can be dead long before the process: poll() knows.
    const auto state = pidfd.poll(ProcessState::running, 0);
    if (!state || *state != ProcessState::zombie) {
        return std::nullopt;
    }
    const auto directory = procfd::open(pidfd);
    const auto status = directory ? procfd::read_exit_status(*directory) : std::unexpected(directory.error());
    return status ? std::optional(*status) : std::nullopt;
}

} // namespace

Result<ProcessInfo> Pidfd::info() const {
    // Asked first: a process that dies meanwhile is then seen as it was, never as a zombie that was not yet one.
    const auto state = poll(ProcessState::running, 0);
    if (!state) {
        return std::unexpected(state.error());
    }
    auto info = available(PidfdFeature::info) ? info_by_ioctl(*this) : info_by_procfs(*this);
    if (info) {
        info->zombie = *state == ProcessState::zombie && !info->reaped;
    }
    return info;
}

std::optional<int> Pidfd::exit_status() const {
    if (const auto status = status_of_reaped(*this)) {
        return status;
    }
    if (const auto status = status_of_zombie(*this)) {
        return status;
    }
    // It may have been reaped between the two questions.
    return status_of_reaped(*this);
}

} // namespace knell

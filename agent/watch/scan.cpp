#include "agent/base/directory.hpp"
#include "agent/pidfd/features.hpp"
#include "agent/pidfd/procfd.hpp"
#include "agent/pidfd/stat.hpp"
#include "agent/watch/pool.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace knell {
namespace {

std::optional<std::uint32_t> as_pid(const char* name) {
    std::uint32_t pid = 0;
    const char* end = name + std::strlen(name);
    const auto parsed = std::from_chars(name, end, pid);
    return parsed.ec == std::errc{} && parsed.ptr == end ? std::optional(pid) : std::nullopt;
}

knell_process describe(std::uint32_t pid, std::uint64_t inode, const procfd::Stat& stat) {
    knell_process process{};
    process.pid = pid;
    process.ppid = stat.ppid;
    process.pid_inode = inode;
    process.start_boot_ns = stat.start_ticks * clock_tick();
    // In this order: on a machine that never slept the two clocks agree, and the difference must not fall below 0.
    const Instant now = monotonic_now();
    const Nanoseconds suspended = elapsed(now, read_clock(CLOCK_BOOTTIME));
    process.start_ns = elapsed(suspended, process.start_boot_ns);
    std::copy_n(stat.comm.data(), std::min(stat.comm.size(), std::size_t{KNELL_COMM_SIZE - 1}), process.comm);
    return process;
}

} // namespace

Result<> Pool::scan_proc() {
    if (!available(PidfdFeature::pidfs)) {
        release_collected();
    }
    auto listed = for_each_entry(AT_FDCWD, "/proc", [this](const char* name) {
        const auto pid = as_pid(name);
        if (pid && !by_pid_.contains(*pid)) {
            open_from_proc(*pid);
        }
        return true;
    });
    if (!listed) {
        listed.error().message += " (is procfs mounted?)";
    }
    return listed;
}

void Pool::release_collected() {
    for (Watch& watch : watches_) {
        if (watch.state_ == Watch::State::zombie) {
            const auto directory = procfd::open(watch.pidfd());
            if (!directory && directory.error().errno_value == ESRCH) {
                release(watch);
            }
        }
    }
}

// The descriptor comes first and everything is read through it, so whatever is read is about the process that is
// watched.
void Pool::open_from_proc(std::uint32_t pid) {
    auto pidfd = Pidfd::open(static_cast<pid_t>(pid));
    if (!pidfd) {
        refuse(pidfd.error());
        return;
    }
    auto directory = procfd::open(*pidfd);
    if (!directory) {
        refuse(directory.error());
        return;
    }
    auto stat = procfd::read_stat(*directory);
    if (!stat) {
        refuse(stat.error());
        return;
    }
    if (stat->kernel_thread()) {
        return;
    }
    const knell_process process = describe(pid, pidfd->inode().value_or(0), *stat);
    if (!listener_.selects(process, &*directory)) {
        refuse(WatchRefusal::filtered);
        return;
    }
    take_in(std::move(*pidfd), process, &*directory);
}

} // namespace knell

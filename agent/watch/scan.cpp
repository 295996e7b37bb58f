#include "agent/base/directory.hpp"
#include "agent/pidfd/features.hpp"
#include "agent/pidfd/procfd.hpp"
#include "agent/pidfd/stat.hpp"
#include "agent/watch/pool.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <dirent.h>
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
    TurnedDownByPid turned_down;
    turned_down.reserve(turned_down_.size());
    auto listed = for_each_entry(AT_FDCWD, "/proc", [&](const dirent& entry) {
        const auto pid = as_pid(entry.d_name);
        if (pid && !by_pid_.contains(*pid)) {
            look_at(*pid, entry.d_ino, turned_down);
        }
        return true;
    });
    if (!listed) {
        listed.error().message += " (is procfs mounted?)";
        turned_down.insert(turned_down_.begin(), turned_down_.end()); // who was not come to
    }
    turned_down_ = std::move(turned_down);
    return listed;
}

// Without BPF this comes each second: who was turned down for good then costs no system call, and is counted once. The
// inode tells processes of one number apart, as proc makes one for each (fs/proc/base.c, proc_pid_make_inode()); where
// it was dropped for want of memory and made anew, the start does.
void Pool::look_at(std::uint32_t pid, std::uint64_t proc_inode, TurnedDownByPid& turned_down) {
    const auto before = turned_down_.find(pid);
    const bool known = before != turned_down_.end();
    const bool same = known && before->second.proc_inode == proc_inode;
    if (same && (before->second.for_good || (before->second.counted == WatchRefusal::full && !has_room()))) {
        turned_down.insert(*before);
        return;
    }
    const Look look = open_from_proc(pid);
    if (look.watched) {
        return;
    }
    std::optional<WatchRefusal> counted;
    if (same || (known && look.start_ticks != 0 && before->second.start_ticks == look.start_ticks)) {
        counted = before->second.counted;
    }
    if (look.refusal && look.refusal != counted) {
        refuse(*look.refusal);
        counted = look.refusal;
    }
    turned_down.insert({pid, {proc_inode, look.start_ticks, counted, look.for_good}});
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
Pool::Look Pool::open_from_proc(std::uint32_t pid) {
    auto pidfd = Pidfd::open(static_cast<pid_t>(pid));
    if (!pidfd) {
        return {.refusal = refusal_of(pidfd.error())};
    }
    auto directory = procfd::open(*pidfd);
    if (!directory) {
        return {.refusal = refusal_of(directory.error())};
    }
    auto stat = procfd::read_stat(*directory);
    if (!stat) {
        return {.refusal = refusal_of(stat.error())};
    }
    const knell_process process = describe(pid, pidfd->inode().value_or(0), *stat);
    // As where births are recorded: what a process is when min_age has passed decides.
    const bool decided = elapsed(process.start_ns, monotonic_now()) >= options_.min_age;
    if (stat->kernel_thread()) {
        return {.start_ticks = stat->start_ticks, .for_good = decided};
    }
    switch (listener_.selects(process, &*directory)) {
    case Selection::yes:
        break;
    case Selection::no:
        return {.refusal = decided ? std::optional(WatchRefusal::filtered) : std::nullopt,
                .start_ticks = stat->start_ticks,
                .for_good = decided};
    case Selection::unknown:
        return {.refusal = WatchRefusal::other, .start_ticks = stat->start_ticks};
    }
    const auto refusal = take_in(std::move(*pidfd), process, &*directory);
    return {.watched = !refusal, .refusal = refusal, .start_ticks = stat->start_ticks};
}

} // namespace knell

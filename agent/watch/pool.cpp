#include "agent/watch/pool.hpp"

#include "agent/pidfd/features.hpp"
#include "agent/pidfd/procfd.hpp"
#include "agent/pidfd/stat.hpp"

#include <cerrno>
#include <cstring>
#include <poll.h>

#include <atomic>

namespace knell {
namespace {

// As /proc/PID/stat counts the start: rounded down (fs/proc/array.c).
std::uint64_t boot_ns_to_ticks(std::uint64_t start_boot_ns) {
    static const Nanoseconds tick = clock_tick();
    return start_boot_ns / tick;
}

// What tells a process from others that had its number, where pidfds have no inode: no number comes round in a tick.
std::uint32_t start_ticks(const knell_process& process) {
    return static_cast<std::uint32_t>(boot_ns_to_ticks(process.start_boot_ns));
}

// Does this pidfd hold the process that the record spoke of, or one that got its number since?
Result<bool> is_the_same(const Pidfd& pidfd, const knell_process& process) {
    if (process.pid_inode != 0 && available(PidfdFeature::pidfs)) {
        auto inode = pidfd.inode();
        if (!inode) {
            return std::unexpected(std::move(inode.error()));
        }
        return *inode == process.pid_inode;
    }
    auto directory = procfd::open(pidfd);
    if (!directory) {
        return std::unexpected(std::move(directory.error()));
    }
    auto stat = procfd::read_stat(*directory);
    if (!stat) {
        return std::unexpected(std::move(stat.error()));
    }
    return stat->start_ticks == boot_ns_to_ticks(process.start_boot_ns);
}

} // namespace

void Watch::ready(int revents, Instant now) {
    pool_->ended(*this, revents, now);
}

bool Watch::is_of(const knell_process& process) const {
    if (pid_inode_ != 0 && process.pid_inode != 0) {
        return pid_inode_ == process.pid_inode;
    }
    return pid_ == process.pid && start_ticks_ == start_ticks(process);
}

WatchedEnd Watch::end() const {
    WatchedEnd end;
    end.noticed = noticed_;
    if (pool_->slots_ != nullptr) {
        const knell_slot slot = read_slot(pool_->slots_->slots()[index_]);
        if (slot.exit_ns != 0) {
            end.exit = slot.exit_ns;
            end.notify = slot.notify_ns;
        }
    }
    return end;
}

Pool::Pool(Loop& loop, Slots* slots, PoolOptions options, PoolListener& listener)
    : loop_(loop), slots_(slots), options_(options), listener_(listener) {
    by_pid_.max_load_factor(kFullBuckets);
    if (slots_ != nullptr) {
        const auto available = static_cast<std::uint32_t>(slots_->slots().size());
        options_.capacity = std::min(options_.capacity, available);
    }
}

void Pool::release_all() {
    for (Watch& watch : watches_) {
        if (watch.state_ != Watch::State::free) {
            release(watch);
        }
    }
}

void Pool::forked(const knell_process& process, Instant born) {
    if (is_watched(process)) {
        return; // found in /proc while its record was still in the ring
    }
    if (candidates_.waiting() >= kMaxCandidates) {
        refuse(WatchRefusal::full);
        return;
    }
    // A watch that this number stood for is of a process that is gone: its pidfd tells the rest.
    auto [entry, fresh] = by_pid_.try_emplace(process.pid);
    if (!fresh && entry->second.is_candidate()) {
        candidates_.strike_out(entry->second.ticket()); // its exit record was lost
    }
    entry.value() = Known::candidate(candidates_.push(process, born + options_.min_age));
    state(WatchState::candidate).set(candidates_.waiting());
}

bool Pool::is_watched(const knell_process& process) const {
    const auto entry = by_pid_.find(process.pid);
    return entry != by_pid_.end() && !entry->second.is_candidate() && watches_[entry->second.index()].is_of(process);
}

void Pool::execed(const knell_process& process) {
    const auto entry = by_pid_.find(process.pid);
    if (entry == by_pid_.end() || !entry->second.is_candidate()) {
        return;
    }
    if (knell_process* candidate = candidates_.find(entry->second.ticket())) {
        *candidate = process;
    }
}

Watch* Pool::exited(const knell_process& process) {
    const auto entry = by_pid_.find(process.pid);
    if (entry == by_pid_.end()) {
        return nullptr;
    }
    if (!entry->second.is_candidate()) {
        Watch& watch = watches_[entry->second.index()];
        // The number may stand for an older process whose reap we have not been told of yet.
        return watch.is_of(process) ? &watch : nullptr;
    }
    candidates_.strike_out(entry->second.ticket());
    state(WatchState::candidate).set(candidates_.waiting());
    by_pid_.erase(entry);
    return nullptr;
}

void Pool::open_due(Instant now, std::size_t limit) {
    while (limit-- > 0) {
        const auto process = candidates_.take_due(now);
        if (!process) {
            break;
        }
        by_pid_.erase(process->pid);
        open(*process);
    }
    state(WatchState::candidate).set(candidates_.waiting());
}

void Pool::release_due(Instant now) {
    while (!unreported_.empty() && elapsed(unreported_.front().noticed, now) >= kHoldUnreported) {
        const auto [watch, noticed] = unreported_.front();
        unreported_.pop_front();
        if (watch->state_ == Watch::State::zombie && watch->noticed_ == noticed) {
            release(*watch);
        }
    }
}

std::optional<Instant> Pool::next_due() const {
    const auto release =
        unreported_.empty() ? std::nullopt : std::optional(unreported_.front().noticed + kHoldUnreported);
    return earliest(candidates_.next_due(), release);
}

void Pool::open(const knell_process& process) {
    if (const Selection selected = listener_.selects(process, nullptr); selected != Selection::yes) {
        refuse(selected == Selection::no ? WatchRefusal::filtered : WatchRefusal::other);
        return;
    }
    auto pidfd = Pidfd::open(static_cast<pid_t>(process.pid));
    if (!pidfd) {
        refuse(refusal_of(pidfd.error()));
        return;
    }
    auto same = is_the_same(*pidfd, process);
    if (!same) {
        refuse(refusal_of(same.error()));
        return;
    }
    if (!*same) {
        refuse(WatchRefusal::recycled);
        return;
    }
    if (const auto refusal = take_in(std::move(*pidfd), process, nullptr)) {
        refuse(*refusal);
    }
}

std::optional<WatchRefusal> Pool::take_in(Pidfd pidfd, const knell_process& process, const Fd* proc_directory) {
    auto watch = occupy(std::move(pidfd), process);
    if (!watch) {
        return watch.error();
    }
    listener_.watched(**watch, process, proc_directory);
    return std::nullopt;
}

// Takes a free watch for the process and arms it.
std::expected<Watch*, WatchRefusal> Pool::occupy(Pidfd pidfd, const knell_process& process) {
    Watch* watch = allocate();
    if (watch == nullptr) {
        return std::unexpected(WatchRefusal::full);
    }
    watch->pidfd_ = std::move(pidfd);
    watch->pid_ = process.pid;
    watch->pid_inode_ = process.pid_inode;
    watch->start_ticks_ = start_ticks(process);
    watch->noticed_ = 0;
    const int fd = watch->pidfd_->fd();
    if (slots_ != nullptr) {
        slots_->slots()[watch->index_] = knell_slot{};
        std::atomic_thread_fence(std::memory_order_release);
        if (auto tagged = slots_->tag(fd, watch->index_); !tagged && tagged.error().errno_value != ESRCH) {
            release(*watch);
            return std::unexpected(refusal_of(tagged.error()));
        }
    }
    if (auto armed = loop_.poll_once(*watch, fd, POLLIN); !armed) {
        release(*watch);
        return std::unexpected(refusal_of(armed.error()));
    }
    watch->state_ = Watch::State::alive;
    state(WatchState::alive).add();
    by_pid_[process.pid] = Known::watch(watch->index_);
    return watch;
}

Watch* Pool::allocate() {
    if (!free_.empty()) {
        Watch* watch = &watches_[free_.back()];
        free_.pop_back();
        return watch;
    }
    if (!has_room()) {
        return nullptr;
    }
    return &watches_.emplace_back(*this, static_cast<std::uint32_t>(watches_.size()));
}

void Pool::ended(Watch& watch, int revents, Instant now) {
    if (revents < 0) {
        refuse(refusal_of(Error{"", -revents}));
        release(watch);
        return;
    }
    if (watch.state_ == Watch::State::alive) {
        watch.state_ = Watch::State::zombie;
        watch.noticed_ = now;
        state(WatchState::alive).subtract();
        state(WatchState::zombie).add();
        listener_.ended(watch, now);
        if ((revents & POLLHUP) == 0) {
            wait_for_reap(watch);
            return;
        }
        // Nobody waits for it (SIGCHLD ignored): it was reaped in the same instant.
    }
    listener_.reaped(watch, now);
    release(watch);
}

void Pool::wait_for_reap(Watch& watch) {
    if (!available(PidfdFeature::pidfs)) {
        // Before 6.9 a pidfd never reports the reap. Without fork records the zombie stays known, or the next scan
        // would take it for a new process.
        if (slots_ != nullptr) {
            unreported_.push_back({&watch, watch.noticed_});
        }
        return;
    }
    if (auto armed = loop_.poll_once(watch, watch.pidfd_->fd(), 0); !armed) {
        refuse(refusal_of(armed.error()));
        release(watch);
    }
}

// Also of a watch that occupy() could not finish: the listener was not told of it and is not told now.
void Pool::release(Watch& watch) {
    if (slots_ != nullptr && watch.state_ != Watch::State::zombie) {
        // Given up while it lives: its end must not be written into the slot of another.
        slots_->untag(watch.pidfd_->fd());
    }
    if (watch.state_ == Watch::State::alive) {
        state(WatchState::alive).subtract();
    } else if (watch.state_ == Watch::State::zombie) {
        state(WatchState::zombie).subtract();
    }
    if (watch.state_ != Watch::State::free) {
        listener_.released(watch);
    }
    forget_pid(watch);
    watch.note_.reset();
    watch.pidfd_.reset();
    watch.state_ = Watch::State::free;
    free_.push_back(watch.index_);
}

// The number may belong to a younger process by now.
void Pool::forget_pid(Watch& watch) {
    const auto entry = by_pid_.find(watch.pid_);
    if (entry != by_pid_.end() && !entry->second.is_candidate() && entry->second.index() == watch.index_) {
        by_pid_.erase(entry);
    }
}

WatchRefusal Pool::refusal_of(const Error& error) {
    switch (error.errno_value) {
    case EMFILE:
    case ENFILE:
        return WatchRefusal::descriptors;
    case ENOMEM:
    case ENOSPC: // fs.epoll.max_user_watches
        return WatchRefusal::memory;
    case ESRCH:
    case ENOENT:
        return WatchRefusal::gone;
    default:
        return WatchRefusal::other;
    }
}

} // namespace knell

#include "tests/bpf/event_log.hpp"

#include <sys/types.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <ranges>
#include <utility>

#include <fmt/format.h>

namespace knell::test {
namespace {

auto born_since(Instant after) {
    return [after](const auto* event) { return event->process.start >= after; };
}

} // namespace

template <typename T>
void EventLog::Told<T>::add(const T& event) {
    const T& kept = events_.emplace_back(event);
    by_pid_[kept.process.pid].push_back(&kept);
    by_ppid_[kept.process.ppid].push_back(&kept);
}

// The first process of this number since then. While its parent has not reaped it there is no second.
template <typename T>
const T* EventLog::Told<T>::first_of(Born process) const {
    const auto entry = by_pid_.find(static_cast<std::uint32_t>(process.pid));
    if (entry == by_pid_.end()) {
        return nullptr;
    }
    const auto first = std::ranges::find_if(entry->second, born_since(process.after));
    return first != entry->second.end() ? *first : nullptr;
}

template <typename T>
std::vector<T> EventLog::Told<T>::all_of(Born process) const {
    std::vector<T> found;
    if (const T* first = first_of(process)) {
        for (const T* event : by_pid_.at(first->process.pid)) {
            if (event->process.start == first->process.start) {
                found.push_back(*event);
            }
        }
    }
    return found;
}

template <typename T>
std::vector<T> EventLog::Told<T>::of_children(Born parent) const {
    std::vector<T> found;
    if (const auto entry = by_ppid_.find(static_cast<std::uint32_t>(parent.pid)); entry != by_ppid_.end()) {
        for (const T* event : entry->second | std::views::filter(born_since(parent.after))) {
            found.push_back(*event);
        }
    }
    return found;
}

template <typename T>
bool EventLog::Told<T>::has_of_children(Born parent, std::size_t count) const {
    const auto entry = by_ppid_.find(static_cast<std::uint32_t>(parent.pid));
    // Asked after each event: most answers must not take a walk through thousands.
    return entry != by_ppid_.end() && entry->second.size() >= count &&
           std::ranges::count_if(entry->second, born_since(parent.after)) >= static_cast<std::ptrdiff_t>(count);
}

void EventLog::on_event(const Event& event) {
    std::unique_lock lock(mutex_);
    if (const Exit* exit = std::get_if<Exit>(&event)) {
        exits_.add(*exit);
    } else if (const Reap* reap = std::get_if<Reap>(&event)) {
        reaps_.add(*reap);
    }
    paused_ = pause_at_ && pause_at_(event);
    changed_.notify_all();
    changed_.wait(lock, [this] { return !paused_; });
}

template <typename T>
Result<T> EventLog::await(const Told<T>& told, Born process, std::chrono::milliseconds patience,
                          const char* what) const {
    std::unique_lock lock(mutex_);
    const T* event = nullptr;
    if (!changed_.wait_for(lock, patience, [&] { return (event = told.first_of(process)) != nullptr; })) {
        return system_failure(fmt::format("wait for the {} of process {}", what, process.pid), ETIMEDOUT);
    }
    return *event;
}

Result<Exit> EventLog::await_exit(Born process, std::chrono::milliseconds patience) const {
    return await(exits_, process, patience, "exit");
}

Result<Reap> EventLog::await_reap(Born process, std::chrono::milliseconds patience) const {
    return await(reaps_, process, patience, "reap");
}

template <typename T>
Result<> EventLog::await_children(const Told<T>& told, Born parent, std::size_t count, const char* what) const {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, kPatience, [&] { return told.has_of_children(parent, count); })) {
        return system_failure(fmt::format("wait for {} {} of children of process {}, {} came", count, what, parent.pid,
                                          told.of_children(parent).size()),
                              ETIMEDOUT);
    }
    return {};
}

Result<> EventLog::await_exits_of_children(Born parent, std::size_t count) const {
    return await_children(exits_, parent, count, "exits");
}

Result<> EventLog::await_reaps_of_children(Born parent, std::size_t count) const {
    return await_children(reaps_, parent, count, "reaps");
}

std::vector<Exit> EventLog::exits_of(Born process) const {
    const std::scoped_lock lock(mutex_);
    return exits_.all_of(process);
}

std::vector<Reap> EventLog::reaps_of(Born process) const {
    const std::scoped_lock lock(mutex_);
    return reaps_.all_of(process);
}

std::vector<Exit> EventLog::exits_of_children(Born parent) const {
    const std::scoped_lock lock(mutex_);
    return exits_.of_children(parent);
}

std::vector<Reap> EventLog::reaps_of_children(Born parent) const {
    const std::scoped_lock lock(mutex_);
    return reaps_.of_children(parent);
}

void EventLog::pause_at(std::function<bool(const Event&)> when) {
    const std::scoped_lock lock(mutex_);
    pause_at_ = std::move(when);
}

Result<> EventLog::await_pause(std::chrono::milliseconds patience) const {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, patience, [this] { return paused_; })) {
        return system_failure("wait for an event to pause at", ETIMEDOUT);
    }
    return {};
}

void EventLog::resume() {
    const std::scoped_lock lock(mutex_);
    pause_at_ = nullptr;
    paused_ = false;
    changed_.notify_all();
}

bool eventually(const std::function<bool()>& holds, std::chrono::milliseconds patience) {
    constexpr timespec kPause{.tv_sec = 0, .tv_nsec = 500'000};
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!holds()) {
        if (std::chrono::steady_clock::now() > deadline) {
            return false;
        }
        ::nanosleep(&kPause, nullptr);
    }
    return true;
}

} // namespace knell::test

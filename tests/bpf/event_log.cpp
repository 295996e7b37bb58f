#include "tests/bpf/event_log.hpp"

#include <sys/types.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <iterator>
#include <string>
#include <utility>

namespace knell::test {
namespace {

// The first process of this number since then. While its parent has not reaped it there is no second.
template <typename T>
const T* find(const std::unordered_map<std::uint32_t, std::vector<T>>& told, Born process) {
    const auto entry = told.find(static_cast<std::uint32_t>(process.pid));
    if (entry == told.end()) {
        return nullptr;
    }
    const auto first =
        std::ranges::find_if(entry->second, [process](const T& event) { return event.process.start >= process.after; });
    return first != entry->second.end() ? &*first : nullptr;
}

template <typename T>
std::vector<T> all_of(const std::unordered_map<std::uint32_t, std::vector<T>>& told, Born process) {
    std::vector<T> found;
    if (const T* first = find(told, process)) {
        std::ranges::copy_if(told.at(first->process.pid), std::back_inserter(found),
                             [first](const T& event) { return event.process.start == first->process.start; });
    }
    return found;
}

template <typename T>
std::vector<T> children(const std::unordered_map<std::uint32_t, std::vector<T>>& told, Born parent) {
    std::vector<T> found;
    for (const auto& [pid, events] : told) {
        std::ranges::copy_if(events, std::back_inserter(found), [parent](const T& event) {
            return event.process.ppid == static_cast<std::uint32_t>(parent.pid) && event.process.start >= parent.after;
        });
    }
    return found;
}

} // namespace

void EventLog::on_event(const Event& event) {
    std::unique_lock lock(mutex_);
    if (const Exit* exit = std::get_if<Exit>(&event)) {
        exits_[exit->process.pid].push_back(*exit);
    } else if (const Reap* reap = std::get_if<Reap>(&event)) {
        reaps_[reap->process.pid].push_back(*reap);
    }
    paused_ = pause_at_ && pause_at_(event);
    changed_.notify_all();
    changed_.wait(lock, [this] { return !paused_; });
}

template <typename T>
Result<T> EventLog::await(const ByPid<T>& told, Born process, std::chrono::milliseconds patience,
                          const char* what) const {
    std::unique_lock lock(mutex_);
    const T* event = nullptr;
    if (!changed_.wait_for(lock, patience, [&] { return (event = find(told, process)) != nullptr; })) {
        return system_failure(std::string("wait for the ") + what + " of process " + std::to_string(process.pid),
                              ETIMEDOUT);
    }
    return *event;
}

Result<Exit> EventLog::await_exit(Born process, std::chrono::milliseconds patience) const {
    return await(exits_, process, patience, "exit");
}

Result<Reap> EventLog::await_reap(Born process, std::chrono::milliseconds patience) const {
    return await(reaps_, process, patience, "reap");
}

std::vector<Exit> EventLog::exits_of(Born process) const {
    const std::scoped_lock lock(mutex_);
    return all_of(exits_, process);
}

std::vector<Reap> EventLog::reaps_of(Born process) const {
    const std::scoped_lock lock(mutex_);
    return all_of(reaps_, process);
}

std::vector<Exit> EventLog::exits_of_children(Born parent) const {
    const std::scoped_lock lock(mutex_);
    return children(exits_, parent);
}

std::vector<Reap> EventLog::reaps_of_children(Born parent) const {
    const std::scoped_lock lock(mutex_);
    return children(reaps_, parent);
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

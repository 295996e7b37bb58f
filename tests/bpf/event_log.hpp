#pragma once

#include "agent/base/result.hpp"
#include "agent/event/event.hpp"
#include "tests/support/process.hpp"

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace knell::test {

// A process that a test knows the number of, and that was born after an instant. The number alone does not name it:
// where pid_max is 32768, a storm beside the test uses all of them up within a second.
struct Born {
    pid_t pid = 0;
    Instant after = 0;
};

// All that an observer told. The observer's thread writes it, the test's thread reads it.
class EventLog final : public EventSink {
  public:
    void on_event(const Event& event) override;

    // ETIMEDOUT after `patience`.
    Result<Exit> await_exit(Born process, std::chrono::milliseconds patience = kPatience) const;
    Result<Reap> await_reap(Born process, std::chrono::milliseconds patience = kPatience) const;
    // At least so many of them.
    Result<> await_exits_of_children(Born parent, std::size_t count) const;
    Result<> await_reaps_of_children(Born parent, std::size_t count) const;

    // What was told of one process, recognised by its start.
    [[nodiscard]] std::vector<Exit> exits_of(Born process) const;
    [[nodiscard]] std::vector<Reap> reaps_of(Born process) const;
    // Of the children of a process that is not reaped.
    [[nodiscard]] std::vector<Exit> exits_of_children(Born parent) const;
    [[nodiscard]] std::vector<Reap> reaps_of_children(Born parent) const;

    // The next event that `when` selects is recorded and then holds the observer's thread until resume().
    void pause_at(std::function<bool(const Event&)> when);
    // ETIMEDOUT after `patience`.
    Result<> await_pause(std::chrono::milliseconds patience = kPatience) const;
    // Ends a pause, and one that is still to come.
    void resume();

  private:
    // All of one kind, and where to find them: the observer waits while a test looks for something.
    template <typename T>
    class Told {
      public:
        void add(const T& event);
        // nullptr: nothing was told of it yet.
        [[nodiscard]] const T* first_of(Born process) const;
        [[nodiscard]] std::vector<T> all_of(Born process) const;
        [[nodiscard]] std::vector<T> of_children(Born parent) const;
        [[nodiscard]] bool has_of_children(Born parent, std::size_t count) const;

      private:
        using ByPid = std::unordered_map<std::uint32_t, std::vector<const T*>>;

        std::deque<T> events_;
        ByPid by_pid_;
        ByPid by_ppid_;
    };

    template <typename T>
    Result<T> await(const Told<T>& told, Born process, std::chrono::milliseconds patience, const char* what) const;
    template <typename T>
    Result<> await_children(const Told<T>& told, Born parent, std::size_t count, const char* what) const;

    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    Told<Exit> exits_;
    Told<Reap> reaps_;
    std::function<bool(const Event&)> pause_at_;
    bool paused_ = false;
};

// Asks again until it holds; false when it did not within `patience`. For counters, whose changes nobody announces.
bool eventually(const std::function<bool()>& holds, std::chrono::milliseconds patience = kPatience);

} // namespace knell::test

#pragma once

#include "agent/base/result.hpp"
#include "agent/event/event.hpp"
#include "tests/support/process.hpp"

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
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
    template <typename T>
    using ByPid = std::unordered_map<std::uint32_t, std::vector<T>>;

    template <typename T>
    Result<T> await(const ByPid<T>& told, Born process, std::chrono::milliseconds patience, const char* what) const;

    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    ByPid<Exit> exits_;
    ByPid<Reap> reaps_;
    std::function<bool(const Event&)> pause_at_;
    bool paused_ = false;
};

// Asks again until it holds; false when it did not within `patience`. For counters, whose changes nobody announces.
bool eventually(const std::function<bool()>& holds, std::chrono::milliseconds patience = kPatience);

} // namespace knell::test

#pragma once

#include "agent/base/result.hpp"
#include "agent/observer/observer.hpp"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace knell::bench {

// The agent as `knell run` has it, but for HTTP: loop, observer and ledger on a thread of their own, whose CPU time can
// be told from the benchmark's.
class AgentThread {
  public:
    // Returns when the agent observes. The sinks outlive this.
    static Result<std::unique_ptr<AgentThread>> start(const ObserverOptions& options, std::vector<EventSink*> sinks);
    ~AgentThread();

    [[nodiscard]] const Observer& observer() const { return *observer_; }
    // User and system time of the loop thread.
    [[nodiscard]] Nanoseconds cpu_time() const;
    // As in /proc: for what else is known of the thread.
    [[nodiscard]] pid_t tid() const { return tid_; }

  private:
    AgentThread() = default;
    void run(const ObserverOptions& options, std::vector<EventSink*> sinks);

    std::mutex mutex_;
    std::condition_variable changed_;
    std::optional<Result<>> started_;
    std::unique_ptr<Loop> loop_;
    std::unique_ptr<Observer> observer_;
    clockid_t cpu_clock_ = 0;
    pid_t tid_ = 0;
    std::thread thread_; // last: uses all of the above
};

} // namespace knell::bench

#pragma once

#include "agent/base/result.hpp"
#include "agent/observer/observer.hpp"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

namespace knell::bench {

// The agent as `knell run` has it, but for HTTP: loop, observer and ledger on a thread of their own, whose CPU time can
// be told from the benchmark's.
class AgentThread {
  public:
    static Result<std::unique_ptr<AgentThread>> start();
    ~AgentThread();

    [[nodiscard]] Status status() const { return observer_->status(); }
    // Exits in the ledger, summed over reasons and workloads.
    [[nodiscard]] std::uint64_t exits_counted() const;
    // User and system time of the loop thread.
    [[nodiscard]] Nanoseconds cpu_time() const;

  private:
    AgentThread() = default;
    void run();

    std::mutex mutex_;
    std::condition_variable changed_;
    std::optional<Result<>> started_;
    std::unique_ptr<Loop> loop_;
    std::unique_ptr<Observer> observer_;
    clockid_t cpu_clock_ = 0;
    std::thread thread_; // last: uses all of the above
};

} // namespace knell::bench

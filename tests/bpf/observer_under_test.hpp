#pragma once

#include "agent/base/result.hpp"
#include "agent/loop/loop.hpp"
#include "agent/observer/observer.hpp"
#include "tests/bpf/event_log.hpp"

#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>

namespace knell::test {

// Why kernel tests cannot run here: no root, no BTF. nullopt: they can, and then every refusal is a failure.
std::optional<std::string> why_not_here();

// A real observer with the real BPF programs, on a thread of its own as in the agent. The destructor ends the pause of
// its log, stops the loop and waits for the thread.
class ObserverUnderTest {
  public:
    // Fails where the observer would go on without BPF.
    static Result<std::unique_ptr<ObserverUnderTest>> start(const ObserverOptions& options, BackendChoice backend);
    ObserverUnderTest(const ObserverUnderTest&) = delete;
    ObserverUnderTest& operator=(const ObserverUnderTest&) = delete;
    ~ObserverUnderTest();

    [[nodiscard]] EventLog& log() { return log_; }
    [[nodiscard]] Status status() const { return observer_->status(); }
    [[nodiscard]] const Ledger& ledger() const { return observer_->ledger(); }

    // Returns when a process that was started now was told to have ended: so was everything that the kernel recorded
    // before. What a test did not find then does not come any more. Tries again where its exit does not come: a small
    // ring in a storm loses some.
    Result<> settle();

  private:
    ObserverUnderTest() = default;
    // The loop and the observer belong to the thread that runs them: the ring is a single issuer's. The options are not
    // used once it has started.
    void run(const ObserverOptions& options, BackendChoice backend, std::promise<Result<>> started);

    EventLog log_;
    std::unique_ptr<Loop> loop_; // made by the thread, gone after it
    std::unique_ptr<Observer> observer_;
    std::thread thread_;
};

} // namespace knell::test

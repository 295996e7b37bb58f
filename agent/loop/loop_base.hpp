#pragma once

#include "agent/base/counter.hpp"
#include "agent/loop/crowd.hpp"
#include "agent/loop/loop.hpp"
#include "agent/loop/wake_fd.hpp"

#include <atomic>
#include <optional>

namespace knell {

// What the two backends share: the order of a turn, waking and stopping.
class LoopBase : public Loop {
  public:
    Result<> run(TurnDriver& driver) final;
    void wake() final { wake_.signal(); }
    void stop() final;
    [[nodiscard]] Stats stats() const final {
        return {.turns = turns_.value(), .completions = completions_.value(), .overflows = overflows_.value()};
    }

  protected:
    explicit LoopBase(Fd eventfd) : wake_(std::move(eventfd)) {}

    // The op is idle from here on and may be gone when this returns.
    void complete(PollOp& op, int revents, Instant now);

    WakeFd wake_;
    Counter turns_;
    Counter completions_;
    Counter overflows_;

  private:
    // Sleeps until something is ready, at most `limit` (0 = not at all), and takes a bounded batch of what is. Consumes
    // the wake-up. An interrupted sleep is an empty batch.
    virtual Result<> wait(std::optional<Nanoseconds> limit) = 0;
    // Runs the callbacks of the batch.
    virtual void dispatch(Instant now) = 0;

    [[nodiscard]] std::optional<Nanoseconds> sleep_limit(TurnDriver& driver, Instant now) const;
    void gather(Nanoseconds span) const;

    Crowd crowd_;
    std::atomic<bool> stop_requested_ = false;
};

// For a backend's poll_once(): an op carries one wait at a time.
inline Failure still_pending() {
    return failure("poll_once: the op is still waiting");
}

} // namespace knell

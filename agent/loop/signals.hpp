#pragma once

#include "agent/base/fd.hpp"
#include "agent/loop/loop.hpp"

#include <csignal>
#include <functional>
#include <memory>
#include <vector>

namespace knell {

// Turns signals into callbacks on the loop thread.
class SignalWatch final : private PollOp {
  public:
    // Called once per signal taken from the kernel, which merges equal pending ones. Must not destroy the watch.
    using Handler = std::function<void(int signal, Instant now)>;

    // Blocks `signals` in the calling thread. Make it before threads start, so that they inherit the mask and the
    // signals have nowhere else to go. `loop` must outlive run()'s last turn.
    static Result<std::unique_ptr<SignalWatch>> make(Loop& loop, const std::vector<int>& signals, Handler handler);

    // Restores the signal mask that make() found: same thread, and when the loop will not run again. A signal that is
    // pending then takes its usual effect.
    ~SignalWatch() override;

  private:
    SignalWatch(Loop& loop, Fd signalfd, const sigset_t& previous_mask, Handler handler);

    void ready(int revents, Instant now) override;
    void read_batch(Instant now);

    Loop& loop_;
    Fd signalfd_;
    sigset_t previous_mask_;
    Handler handler_;
};

} // namespace knell

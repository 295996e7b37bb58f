#pragma once

#include "agent/base/clock.hpp"

#include <cstddef>

namespace knell {

// Tells a crowd of completions from single ones. A turn for each costs a wake-up, microseconds of the loop's time and
// of those that complete; when they come in turn after turn, the loop gathers them for a moment and takes them
// together. Single completions are never delayed. Loop thread.
class Crowd {
  public:
    // How long to gather.
    static constexpr Nanoseconds kGather = kMillisecond;
    // Turns with completions that follow each other within this...
    static constexpr Nanoseconds kDense = 200 * kMicrosecond;
    // ...so many times are a crowd: more than the death of one process makes (its record, its end, its reap).
    static constexpr int kManyTurns = 8;
    // Gathering that finds fewer is over.
    static constexpr std::size_t kWorthIt = 8;

    // At the end of each turn. `now`: the turn's time.
    void note_turn(Instant now, std::size_t completions) {
        if (gathering_) {
            gathering_ = completions >= kWorthIt;
            dense_turns_ = 0;
        } else if (completions > 0) {
            dense_turns_ = elapsed(last_completions_, now) < kDense ? dense_turns_ + 1 : 0;
            gathering_ = dense_turns_ >= kManyTurns;
        }
        last_completions_ = completions > 0 ? now : last_completions_;
    }

    // Whether to gather before the next wait.
    [[nodiscard]] bool gathering() const { return gathering_; }

  private:
    Instant last_completions_ = 0;
    int dense_turns_ = 0;
    bool gathering_ = false;
};

} // namespace knell

#pragma once

#include "agent/base/clock.hpp"

#include <cstddef>

namespace knell {

// Tells a crowd of completions from single ones. A turn for each costs a wake-up, microseconds of the loop's time and
// of those that complete; when they come in turn after turn, the loop gathers them for a moment and takes them
// together. Single completions are never delayed. Loop thread.
class Crowd {
  public:
    // How long to gather; and in a crowd that has lasted for so many gatherings.
    static constexpr Nanoseconds kGather = kMillisecond;
    static constexpr Nanoseconds kGatherLonger = 4 * kMillisecond;
    static constexpr int kLongCrowd = 16;
    // Turns with completions that follow each other within this...
    static constexpr Nanoseconds kDense = 200 * kMicrosecond;
    // ...so many times are a crowd: more than the death of one process makes (its record, its end, its reap).
    static constexpr int kManyTurns = 8;
    // Gathering that finds fewer is over.
    static constexpr std::size_t kWorthIt = 8;

    // At the end of each turn. `now`: the turn's time.
    void note_turn(Instant now, std::size_t completions) {
        if (gathering()) {
            gatherings_ = completions >= kWorthIt ? gatherings_ + 1 : 0;
            dense_turns_ = 0;
        } else if (completions > 0) {
            dense_turns_ = elapsed(last_completions_, now) < kDense ? dense_turns_ + 1 : 0;
            gatherings_ = dense_turns_ >= kManyTurns ? 1 : 0;
        }
        last_completions_ = completions > 0 ? now : last_completions_;
    }

    // Whether to gather before the next wait, and for how long.
    [[nodiscard]] bool gathering() const { return gatherings_ > 0; }
    [[nodiscard]] Nanoseconds span() const { return gatherings_ > kLongCrowd ? kGatherLonger : kGather; }

  private:
    Instant last_completions_ = 0;
    int dense_turns_ = 0;
    int gatherings_ = 0; // in a row, the next one included; 0 = none
};

} // namespace knell

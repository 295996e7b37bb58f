#pragma once

#include "agent/base/result.hpp"

#include "bpf/events.h"

#include <array>
#include <vector>

namespace knell {

// Exits that found the ring full, and agree in everything that the metrics tell.
struct SpilledExits {
    knell_spill_key key;
    knell_spill_value value;
};

// The reader's side of the spill (bpf/spill.bpf.h): two hash maps behind an array of maps. Loop thread.
class Spill {
  public:
    // Borrowed; open as long as this is used. `array_fd`: the array whose only element is the map in use, one of
    // `map_fds`. There may be exits in the other one too: an agent that was killed had not finished with it.
    static Result<Spill> open(int array_fd, std::array<int, 2> map_fds);

    // Appends everything that is there, each exit once. Waits for a grace period of RCU, milliseconds: for when a flag
    // says that there is something (knell_control.spilled). After a failure the rest is for the next call; what was
    // appended was taken out.
    Result<> take(std::vector<SpilledExits>& into);

  private:
    Spill(int array_fd, std::array<int, 2> map_fds) : array_fd_(array_fd), map_fds_(map_fds) {}
    Result<> exchange();
    Result<> empty_idle(std::vector<SpilledExits>& into);

    int array_fd_;
    std::array<int, 2> map_fds_; // the one in use first
    bool idle_is_empty_ = false; // an earlier take() may have failed half-way
};

} // namespace knell

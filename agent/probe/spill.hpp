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
    // Borrowed; open as long as this is used. `array_fd`: the array whose only element is the map in use. `map_fds`:
    // the two, the one in use first.
    Spill(int array_fd, std::array<int, 2> map_fds) : array_fd_(array_fd), map_fds_(map_fds) {}

    // Takes everything out, each exit once. Waits for a grace period of RCU, milliseconds: for when a flag says that
    // there is something (knell_control.spilled). After a failure, what was there still is.
    Result<std::vector<SpilledExits>> take();

  private:
    Result<> exchange();

    int array_fd_;
    std::array<int, 2> map_fds_;
    bool exchanged_ = false; // an earlier take() failed after it: the idle map is not empty
};

} // namespace knell

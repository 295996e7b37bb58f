#pragma once

#include "agent/probe/ring.hpp"

#include <limits>

namespace knell::test {

// Gives every record of the ring. One that another CPU is just writing, for a process of no interest to the test, holds
// up those behind it: that one drain ends there does not mean that the rest was lost.
template <typename Handler>
void drain_all(Ring& ring, Handler&& handler) {
    do {
        ring.drain(std::numeric_limits<std::size_t>::max(), handler);
    } while (ring.used_bytes() > 0);
}

} // namespace knell::test

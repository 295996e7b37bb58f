#pragma once

#include "agent/base/counter.hpp"
#include "agent/observer/status.hpp"

#include <array>
#include <cstdint>

namespace knell {

// Two tellers of one death: the status in the exit record, and the one that the kernel keeps for whoever asks the pidfd
// after the reap. They come from different moments of the exit. Where they differ we explained another death than the
// parent saw: that of an init which called reboot(2), whose status zap_pid_ns_processes() replaces after the exit's
// tracepoint, or one that we read wrong. Loop thread; counters from any thread.
class Witnesses {
  public:
    // Wait statuses of one process.
    void compare(int recorded, int collected);

    [[nodiscard]] std::uint64_t disagreements(WitnessField field) const {
        return disagreements_[static_cast<std::size_t>(field)].value();
    }

  private:
    std::array<Counter, kWitnessFieldNames.size()> disagreements_;
};

} // namespace knell

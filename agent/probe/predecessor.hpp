#pragma once

#include "agent/probe/pin_directory.hpp"
#include "agent/probe/ring.hpp"
#include "agent/probe/spill.hpp"

#include <string>
#include <vector>

namespace knell {

// What an agent of another build or set-up left behind: records that nobody has read yet, in this agent's own contract.
// Loop thread.
class Predecessor {
  public:
    // Ends its programs, which takes milliseconds, and opens what they gathered. Whatever ended before this began is in
    // it; what ended meanwhile may be in ours as well.
    static Result<Predecessor> stop(const PinDirectory& pins, const std::string& name);

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] Ring& ring() { return ring_; }
    [[nodiscard]] Spill& spill() { return spill_; }

  private:
    Predecessor(std::string name, std::vector<Fd> maps, Ring ring, Spill spill)
        : name_(std::move(name)), maps_(std::move(maps)), ring_(std::move(ring)), spill_(spill) {}

    std::string name_;
    std::vector<Fd> maps_; // that the spill reads
    Ring ring_;
    Spill spill_;
};

} // namespace knell

#pragma once

#include "agent/base/result.hpp"
#include "agent/pidfd/spawn.hpp"
#include "agent/pidfd/start_report.hpp"

#include <span>
#include <vector>

namespace knell {

// Which descriptors a child keeps, at which numbers. Planned in the parent, so that the child needs no memory for it.
// Not installed.
class Placement {
  public:
    // EINVAL: a number is negative, or promised twice. EBADF: a descriptor is not open.
    static Result<Placement> plan(std::span<const SpawnOptions::Descriptor> descriptors);

    // In the child: closes everything but the planned descriptors, 0 to 2 and `report`, which gets another number if
    // its own is needed, and never one of 0 to 2.
    StartReport apply(int& report) noexcept;

  private:
    // dup2(from, to), where kSpare stands for a number that was free. One spare at a time is enough.
    struct Move {
        int from;
        int to;
        int index; // of the descriptor that is moved, for the report
    };
    static constexpr int kSpare = -1;

    void order(std::span<const SpawnOptions::Descriptor> descriptors);
    [[nodiscard]] bool is_target(int number) const;
    int step_aside(int report) const noexcept;
    [[nodiscard]] StartReport move_all() const noexcept;

    std::vector<Move> moves_;
    std::vector<int> targets_; // ascending
    std::vector<int> sources_;
    std::vector<int> kept_; // until the moves are made: 0 to 2, sources, and in the end a place for the report
};

} // namespace knell

#pragma once

#include "agent/base/clock.hpp"

#include "bpf/events.h"

#include <cstdint>
#include <iterator>
#include <sys/types.h>

#include <tsl/robin_map.h>

namespace knell {

// A process and all that came of it, whoever is their parent now: membership goes by who made the call, which
// re-parenting, CLONE_PARENT and the founder's end do not change. Pure; births come in their order.
class Family {
  public:
    // The process `founder` that `creator` makes, or has just made, is the first member. Its birth comes like all
    // others.
    Family(pid_t creator, pid_t founder)
        : creator_(static_cast<std::uint32_t>(creator)), founder_(static_cast<std::uint32_t>(founder)) {}

    // Takes in the child of a member. Whether it is one.
    bool born(const knell_fork& birth);
    // By number and start: a number that is used again is another process.
    [[nodiscard]] bool has(std::uint32_t pid, Instant start) const;
    void died(std::uint32_t pid, Instant start);
    // Members of which nobody has said that they died.
    template <typename Gone>
    void drop_if(Gone&& gone) {
        for (auto member = alive_.begin(); member != alive_.end();) {
            member = gone(member->first) ? alive_.erase(member) : std::next(member);
        }
    }
    [[nodiscard]] bool is_founder(std::uint32_t pid, Instant start) const {
        return pid == founder_ && start == founder_start_;
    }

    [[nodiscard]] std::uint64_t born_count() const { return born_; }
    [[nodiscard]] std::uint64_t alive() const { return alive_.size(); }

  private:
    std::uint32_t creator_;
    std::uint32_t founder_;
    Instant founder_start_ = 0; // 0: not born yet
    tsl::robin_map<std::uint32_t, Instant> alive_;
    std::uint64_t born_ = 0;
};

} // namespace knell

#pragma once

#include "agent/base/result.hpp"
#include "bench/program.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <sys/types.h>
#include <vector>

namespace knell::bench {

// Many sleeping processes, children of a program that collects each as soon as it dies. Gone with their owner.
class Herd {
  public:
    // Returns when all are there.
    static Result<Herd> start(std::size_t count);

    // In the order of their birth; also those that have died since.
    [[nodiscard]] const std::vector<pid_t>& pids() const { return pids_; }
    [[nodiscard]] pid_t parent() const { return parent_->pid(); }
    // SIGKILL to one. Its number is still its own only while nobody killed it before.
    [[nodiscard]] Result<> kill(std::size_t which) const;
    // SIGKILL to all at once.
    [[nodiscard]] Result<> kill_all() const;
    // Waits until the last was collected.
    Result<> wait_until_collected();

  private:
    std::optional<Background> parent_;
    std::vector<pid_t> pids_;
};

// Who of a herd is to die, in which order: the same for everybody in one round.
std::vector<std::size_t> random_victims(std::size_t herd, std::size_t deaths, std::uint32_t round);

} // namespace knell::bench

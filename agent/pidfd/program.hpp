#pragma once

#include "agent/base/result.hpp"
#include "agent/pidfd/placement.hpp"
#include "agent/pidfd/spawn.hpp"
#include "agent/pidfd/start_report.hpp"

#include <csignal>
#include <cstdint>
#include <string>
#include <vector>

namespace knell {

// A program ready to be executed. All that takes memory is done by prepare(), in the parent: what is left for the child
// is system calls (signal_safe.hpp). Not installed.
class Program {
  public:
    // `options` has to outlive it. EINVAL: they make no sense. EBADF: a descriptor for the child is not open.
    static Result<Program> prepare(const SpawnOptions& options);

    // What clone has to do for the options.
    [[nodiscard]] std::uint64_t clone_flags() const;
    [[nodiscard]] int cgroup() const { return options_->cgroup; }

    // In the child, with all signals blocked: becomes the program, or writes a StartReport to `report` and exits.
    // `report` is close-on-exec. `mask`: what the caller's thread had blocked.
    [[noreturn]] void execute(int report, const sigset_t& mask) noexcept;

    // What a report means to a person.
    [[nodiscard]] Failure failure(const StartReport& report) const;

  private:
    Program(const SpawnOptions& options, Placement placement);
    [[nodiscard]] StartReport leave_our_surroundings() const noexcept;
    [[nodiscard]] StartReport execute_first() const noexcept;
    [[nodiscard]] Failure clone_failure(const std::string& tried, int errno_value) const;
    [[nodiscard]] Failure exec_failure(const StartReport& report) const;

    const SpawnOptions* options_;
    Placement placement_;
    std::vector<char*> arguments_;
    std::vector<char*> environment_;
    char** environment_given_;       // to execve: ours, or environment_
    std::vector<std::string> files_; // to be tried in this order
};

// In a child: writes the report and exits.
[[noreturn]] void give_up(int report, const StartReport& why) noexcept;

} // namespace knell

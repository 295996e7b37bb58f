#pragma once

#include "agent/base/clock.hpp"
#include "agent/pidfd/pidfd.hpp"

#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace knell::bench {

// A program that is built beside this one.
std::string beside_us(const std::string& name);

// Where PATH finds it; nullopt: not installed.
std::optional<std::string> installed(const std::string& name);

// Runs a program to its end; what it wrote to standard output. Fails when it does. Its complaints go to ours.
Result<std::string> output_of(const std::vector<std::string>& argv);

// A program that runs beside the workload. Its output goes to an unlinked file: it never waits for us, and what it
// wrote outlives it. Killed with its owner.
class Background {
  public:
    // `cgroup`: a directory of cgroup v2 to be born in; -1: ours.
    static Result<Background> start(const std::vector<std::string>& argv, int cgroup = -1);
    Background(Background&&) = default;
    Background& operator=(Background&&) = default;
    ~Background();

    [[nodiscard]] const Pidfd& pidfd() const { return *process_; }
    [[nodiscard]] pid_t pid() const { return pid_; }
    // User and system time of all its threads so far (clock_getcpuclockid(3)); after wait(), of its whole life.
    [[nodiscard]] Nanoseconds cpu_time() const;
    [[nodiscard]] bool running() const;

    // All that it wrote so far, standard output and error together.
    [[nodiscard]] Result<std::string> output() const;

    // The wait status. A process that does not end is a failure after `patience`.
    Result<int> wait(Nanoseconds patience);
    // SIGINT, as a person ends a tool, and SIGKILL when it does not follow.
    Result<> stop();

  private:
    Background() = default;

    std::optional<Pidfd> process_;
    pid_t pid_ = 0;
    clockid_t cpu_clock_ = 0;
    Fd output_;
    bool ended_ = false;
    Nanoseconds final_cpu_time_ = 0;
};

// How often `needle` is in `text`, overlaps apart.
std::size_t count_of(const std::string& needle, const std::string& text);

// Asks again until it holds; false: it did not within `patience`.
template <typename Condition>
bool eventually(Condition&& holds, Nanoseconds patience) {
    const Instant deadline = monotonic_now() + patience;
    while (!holds()) {
        if (monotonic_now() >= deadline) {
            return false;
        }
        const timespec pause{0, 2'000'000};
        (void)::nanosleep(&pause, nullptr);
    }
    return true;
}

} // namespace knell::bench

#pragma once

#include "agent/base/clock.hpp"
#include "agent/base/result.hpp"
#include "bench/program.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace knell::bench {

// Processes that end as fast as the machine can make them.
struct Workload {
    std::string how = "fork";      // "fork"; "vfork": the parent waits for the child's end; "spawn": with an exec
    std::uint64_t exits = 100'000; // in all, without the workers
    std::uint32_t workers = 2;     // processes that make them at the same time

    // Exits that there are in all when it is over.
    [[nodiscard]] std::uint64_t deaths() const { return exits / workers * workers + workers; }
};

// What the kernel calls each of its processes.
inline constexpr const char* kWorkloadComm = "knell-fork-stor";

// A workload under way. Destroying it ends it.
class RunningWorkload {
  public:
    // `cgroup`: where it runs; -1: where we do.
    static Result<RunningWorkload> start(const Workload& workload, int cgroup = -1);
    [[nodiscard]] bool running() const;
    // Waits for its end; the wall time.
    Result<Nanoseconds> wait();

  private:
    RunningWorkload() = default;
    Instant start_ = 0;
    std::vector<Background> workers_;
};

// From start to end; the wall time.
Result<Nanoseconds> run(const Workload& workload, int cgroup = -1);

} // namespace knell::bench

#pragma once

#include "bench/program.hpp"
#include "bench/report.hpp"

#include <string>

namespace knell::bench {

// `perf stat` over the whole machine, while a run goes on.
class PerfStat {
  public:
    // Fails where perf is not installed or may not count.
    static Result<PerfStat> start();
    // Ends it, and adds its counts to the figures of `run`.
    Result<> finish(const std::string& run, Report& report);

  private:
    explicit PerfStat(Background process) : process_(std::move(process)) {}
    Background process_;
};

} // namespace knell::bench

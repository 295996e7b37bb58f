#include "bench/perf_stat.hpp"

#include <cstdlib>
#include <sstream>
#include <utility>

namespace knell::bench {
namespace {

constexpr const char* kSubject = "perf stat";
constexpr const char* kEvents =
    "context-switches,cpu-migrations,page-faults,cycles,instructions,branch-misses,cache-misses";

} // namespace

Result<PerfStat> PerfStat::start() {
    const auto perf = installed("perf");
    if (!perf) {
        return failure("perf is not installed (Debian's linux-perf)");
    }
    auto process = Background::start({*perf, "stat", "--all-cpus", "--field-separator", ";", "--event", kEvents});
    if (!process) {
        return std::unexpected(std::move(process.error()));
    }
    return PerfStat(std::move(*process));
}

// Lines of "count;unit;event;...", where the count may be "<not supported>".
Result<> PerfStat::finish(const std::string& run, Report& report) {
    if (auto stopped = process_.stop(); !stopped) {
        return stopped;
    }
    const auto output = process_.output();
    if (!output) {
        return std::unexpected(output.error());
    }
    std::istringstream lines(*output);
    bool counted = false;
    for (std::string line; std::getline(lines, line);) {
        std::istringstream fields(line);
        std::string count;
        std::string unit;
        std::string event;
        if (!std::getline(fields, count, ';') || !std::getline(fields, unit, ';') ||
            !std::getline(fields, event, ';')) {
            continue;
        }
        counted = true;
        if (count.starts_with('<')) {
            report.absent({run, std::string(kSubject) + " " + event, count});
        } else {
            report.add(run, kSubject, event, unit, std::strtod(count.c_str(), nullptr));
        }
    }
    return counted ? Result<>() : failure("perf stat: " + output->substr(0, output->find('\n')));
}

} // namespace knell::bench

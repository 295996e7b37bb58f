#include "bench/storm.hpp"

#include "agent/probe/bpf_stats.hpp"
#include "bench/bpf_time.hpp"
#include "bench/group.hpp"
#include "bench/tool.hpp"
#include "bench/workload.hpp"

#include <optional>
#include <utility>

namespace knell::bench {
namespace {

constexpr const char* kNobody = "nothing attached";

struct Round {
    Nanoseconds wall = 0;              // of the workload
    Nanoseconds cpu = 0;               // of the tool, until it had told what there was to tell
    std::uint64_t told = 0;            // deaths of the workload
    std::optional<Books> books;        // of the agent, since its start
    std::vector<ProgramTime> programs; // while run-time statistics are on
};

Result<Round> round_with(const Tool& tool, const Workload& workload, bool bpf_times) {
    auto group = Group::make();
    if (!group) {
        return std::unexpected(std::move(group.error()));
    }
    const auto of_others = bpf_times ? program_times() : Result<std::vector<ProgramTime>>();
    if (!of_others) {
        return std::unexpected(of_others.error());
    }
    auto running = RunningTool::start(tool);
    if (!running) {
        return std::unexpected(std::move(running.error()));
    }
    const auto before = bpf_times ? program_times() : Result<std::vector<ProgramTime>>();
    if (!before) {
        return std::unexpected(before.error());
    }
    const Nanoseconds cpu_before = running->process().cpu_time();
    const auto wall = run(workload, group->directory());
    if (!wall) {
        return std::unexpected(wall.error());
    }
    running->settle();
    Round round;
    round.wall = *wall;
    round.cpu = elapsed(cpu_before, running->process().cpu_time());
    if (bpf_times) {
        const auto after = program_times();
        if (!after) {
            return std::unexpected(after.error());
        }
        round.programs = difference(without(*before, *of_others), *after);
    }
    if (tool.by_metrics) {
        auto books = running->balanced_books();
        if (!books) {
            return std::unexpected(std::move(books.error()));
        }
        round.books = *books;
    } else if (auto stopped = running->stop(); !stopped) { // some keep lines back until their end
        return std::unexpected(std::move(stopped.error()));
    }
    const auto told = running->told(group->unit());
    if (!told) {
        return std::unexpected(told.error());
    }
    round.told = *told;
    return round;
}

// In a cgroup like those that are watched: the kernel's work for one is part of the workload.
Result<Nanoseconds> round_with_nobody(const Workload& workload) {
    const auto group = Group::make();
    return group ? run(workload, group->directory()) : std::unexpected(group.error());
}

double per_exit_us(Nanoseconds time, const Workload& workload) {
    return static_cast<double>(time) / 1e3 / static_cast<double>(workload.deaths());
}

double per_second(Nanoseconds wall, const Workload& workload) {
    return static_cast<double>(workload.deaths()) / to_seconds(wall);
}

void tell(Report& report, const std::string& run, const std::string& name, const Workload& workload,
          const Round& round) {
    report.add(run, name, "exits", "1/s", per_second(round.wall, workload));
    report.add(run, name, "CPU per exit", "us", per_exit_us(round.cpu, workload));
    report.add(run, name, "not told", "", static_cast<double>(workload.deaths()) - static_cast<double>(round.told));
    if (round.books) {
        report.add(run, name, "spilled", "", static_cast<double>(round.books->spilled));
        report.add(run, name, "unaccounted", "", static_cast<double>(round.books->unaccounted));
    }
}

// Everybody in turn, and nobody before each of them: the machine is never the same for long.
Result<> compare(const std::vector<Tool>& tools, const StormOptions& options, Report& report) {
    const Workload workload{.how = options.ways.front(), .exits = options.exits, .workers = options.workers};
    for (std::uint32_t i = 0; i < options.repetitions; ++i) {
        for (const Tool& tool : tools) {
            const auto bare = round_with_nobody(workload);
            if (!bare) {
                return std::unexpected(bare.error());
            }
            report.add("storm", kNobody, "exits", "1/s", per_second(*bare, workload));
            const auto round = round_with(tool, workload, false);
            if (!round) {
                return failure_in("storm with " + tool.name, round.error());
            }
            tell(report, "storm", tool.name, workload, *round);
            report.add("storm", tool.name, "slow-down", "%",
                       (static_cast<double>(round->wall) / static_cast<double>(*bare) - 1) * 100);
        }
    }
    return {};
}

// Apart from the rounds that are compared: the statistics cost two readings of the clock a run themselves.
Result<> time_programs(const std::vector<Tool>& tools, const StormOptions& options, Report& report) {
    const auto statistics = enable_bpf_stats();
    if (!statistics) {
        return std::unexpected(statistics.error());
    }
    const Workload workload{.how = options.ways.front(), .exits = options.exits, .workers = options.workers};
    for (const Tool& tool : tools) {
        const auto round = round_with(tool, workload, true);
        if (!round) {
            return failure_in("storm with " + tool.name + ", BPF timed", round.error());
        }
        Nanoseconds all = 0;
        for (const ProgramTime& program : round->programs) {
            all += program.time;
            if (tool.by_metrics && program.runs > 0) {
                report.add("storm", tool.name, program.name + " mean", "us",
                           static_cast<double>(program.time) / 1e3 / static_cast<double>(program.runs));
            }
        }
        report.add("storm", tool.name, "BPF per exit", "us", per_exit_us(all, workload));
    }
    return {};
}

// knell with each way of making processes.
Result<> other_ways(const StormOptions& options, Report& report) {
    const Tool knell = all_tools().front();
    for (std::size_t way = 1; way < options.ways.size(); ++way) {
        const Workload workload{.how = options.ways[way], .exits = options.exits / 2, .workers = options.workers};
        for (std::uint32_t i = 0; i < options.repetitions; ++i) {
            const auto bare = round_with_nobody(workload);
            if (!bare) {
                return std::unexpected(bare.error());
            }
            const std::string run_name = "storm by " + options.ways[way];
            report.add(run_name, kNobody, "exits", "1/s", per_second(*bare, workload));
            const auto round = round_with(knell, workload, false);
            if (!round) {
                return failure_in(run_name, round.error());
            }
            tell(report, run_name, knell.name, workload, *round);
        }
    }
    return {};
}

} // namespace

Result<> storm(const StormOptions& options, Report& report) {
    const Workload warm_up{.how = options.ways.front(), .exits = 2000, .workers = options.workers};
    if (const auto warmed = run(warm_up); !warmed) {
        return std::unexpected(warmed.error());
    }
    const auto tools = working_tools("storm", report);
    if (!tools) {
        return std::unexpected(tools.error());
    }
    if (auto compared = compare(*tools, options, report); !compared) {
        return compared;
    }
    if (auto timed = time_programs(*tools, options, report); !timed) {
        return timed;
    }
    return other_ways(options, report);
}

} // namespace knell::bench

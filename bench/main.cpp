#include "bench/freeze.hpp"
#include "bench/idle.hpp"
#include "bench/mass_exit.hpp"
#include "bench/perf_stat.hpp"
#include "bench/pools.hpp"
#include "bench/react.hpp"
#include "bench/report.hpp"
#include "bench/scrape.hpp"
#include "bench/storm.hpp"
#include "bench/syscalls.hpp"
#include "bench/targets.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

namespace {

using namespace knell;
using namespace knell::bench;

// A benchmark by its name on the command line.
struct Run {
    std::string name;
    std::function<Result<>(Report&)> measure;
};

struct Options {
    StormOptions storm;
    ReactOptions react;
    PoolsOptions pools;
    MassExitOptions mass_exit;
    FreezeOptions freeze;
    ScrapeOptions scrape;
    IdleOptions idle;
    SyscallOptions syscalls;
    std::string json;
    std::string svg;
    bool perf = false;
};

CLI::App& add_run(CLI::App& app, const char* name, const char* what, Options& options) {
    CLI::App& command = *app.add_subcommand(name, what);
    command.add_option("--json", options.json, "Write all that was measured to this file");
    command.add_option("--svg", options.svg, "Write plots into this folder (needs gnuplot)");
    command.add_flag("--perf", options.perf, "Count with perf stat, on the whole machine, while a run goes on");
    return command;
}

void add_repetitions(CLI::App& command, std::uint32_t& repetitions) {
    command.add_option("--repetitions", repetitions, "Rounds of everybody in turn")->check(CLI::Range(1, 100));
}

void add_runs(CLI::App& app, Options& options) {
    CLI::App& storm_run =
        add_run(app, "storm", "Processes end as fast as the machine can make them: what each tool costs", options);
    storm_run.add_option("--exits", options.storm.exits, "Processes of each round")
        ->check(CLI::Range(100, 100'000'000));
    storm_run.add_option("--workers", options.storm.workers, "Processes that make them at the same time")
        ->check(CLI::Range(1, 64));
    storm_run.add_option("--ways", options.storm.ways, "fork, vfork, spawn; tools are compared in the first")
        ->delimiter(',')
        ->check(CLI::IsMember({"fork", "vfork", "spawn"}));
    add_repetitions(storm_run, options.storm.repetitions);

    CLI::App& react_run = add_run(app, "react", "From the kernel's notice of an end to the watcher awake", options);
    react_run.add_option("--watches", options.react.watches, "Sizes of the pool")->delimiter(',');
    react_run.add_option("--deaths", options.react.deaths, "Of each round")->check(CLI::PositiveNumber);
    add_repetitions(react_run, options.react.repetitions);

    CLI::App& pools_run =
        add_run(app, "pools", "More watches than a process has descriptors for; not part of all", options);
    pools_run.add_option("--watches", options.pools.watches, "Of all pools together")->delimiter(',');
    pools_run.add_option("--deaths", options.pools.deaths, "Of each round")->check(CLI::PositiveNumber);
    add_repetitions(pools_run, options.pools.repetitions);

    CLI::App& mass_run = add_run(app, "mass-exit", "All watched processes are killed at once", options);
    mass_run.add_option("--processes", options.mass_exit.processes, "How many")->check(CLI::PositiveNumber);
    add_repetitions(mass_run, options.mass_exit.repetitions);

    CLI::App& freeze_run = add_run(app, "freeze", "The tool stands still, or is killed, in a storm", options);
    freeze_run.add_option("--exits", options.freeze.exits, "Processes of each round")
        ->check(CLI::Range(100, 100'000'000));
    freeze_run.add_option("--milliseconds", options.freeze.milliseconds, "How long")->check(CLI::PositiveNumber);

    CLI::App& scrape_run = add_run(app, "scrape", "What a scrape costs, and delays", options);
    scrape_run.add_option("--series", options.scrape.series, "How many")->delimiter(',');
    scrape_run.add_option("--workloads", options.scrape.workloads, "Of the agent that is scraped");
    scrape_run.add_option("--containers", options.scrape.containers, "Of the agent whose memory is measured");
    scrape_run.add_option("--deaths", options.scrape.deaths, "While it is scraped")->check(CLI::PositiveNumber);
    add_repetitions(scrape_run, options.scrape.repetitions);

    CLI::App& idle_run = add_run(app, "idle", "Watched processes sleep: what the agent does, and keeps", options);
    idle_run.add_option("--processes", options.idle.processes, "How many")->check(CLI::PositiveNumber);
    idle_run.add_option("--seconds", options.idle.seconds, "How long")->check(CLI::PositiveNumber);

    CLI::App& syscalls_run =
        add_run(app, "syscalls", "What observing pidfds costs every system call of the machine", options);
    syscalls_run.add_option("--calls", options.syscalls.calls, "System calls in each round")
        ->check(CLI::PositiveNumber);
    add_repetitions(syscalls_run, options.syscalls.repetitions);

    add_run(app, "all", "All of these, about nine minutes; how the figures stand to what knell promises", options);
}

std::vector<Run> all_runs(const Options& options) {
    return {
        // First: what memory a watch takes shows in a process that has not used any before.
        {"idle", [&](Report& report) { return idle(options.idle, report); }},
        {"storm", [&](Report& report) { return storm(options.storm, report); }},
        {"react", [&](Report& report) { return react(options.react, report); }},
        {"pools", [&](Report& report) { return pools(options.pools, report); }},
        {"mass-exit", [&](Report& report) { return mass_exit(options.mass_exit, report); }},
        {"freeze", [&](Report& report) { return freeze(options.freeze, report); }},
        {"scrape", [&](Report& report) { return scrape(options.scrape, report); }},
        {"syscalls", [&](Report& report) { return syscalls(options.syscalls, report); }},
    };
}

bool complain(const std::string& name, const Result<>& outcome) {
    if (!outcome) {
        fmt::print(stderr, "knell-bench: {}: {}\n", name, outcome.error().message);
    }
    return !outcome;
}

Result<> measure_with_perf(const Run& run, Report& report) {
    auto perf = PerfStat::start();
    if (!perf) {
        report.absent({run.name, "perf stat", perf.error().message});
        return run.measure(report);
    }
    auto measured = run.measure(report);
    auto finished = perf->finish(run.name, report);
    return measured ? finished : measured;
}

// A run that fails does not take the results of others with it.
int measure(const std::vector<Run>& runs, const Options& options) {
    Report report;
    std::vector<std::string> printed;
    bool failed = false;
    for (const Run& run : runs) {
        failed |= complain(run.name, options.perf ? measure_with_perf(run, report) : run.measure(report));
        for (const std::string& name : report.runs()) {
            if (std::ranges::find(printed, name) == printed.end()) {
                print_run(report, name);
                printed.push_back(name);
            }
        }
        (void)std::fflush(stdout);
    }
    judge(report);
    print_targets(report);
    if (!options.json.empty()) {
        failed |= complain("--json", write_json(report, options.json));
    }
    if (!options.svg.empty()) {
        failed |= complain("--svg", write_svg(report, options.svg));
    }
    return failed ? 1 : 0;
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app{"knell-bench measures what watching costs, beside other tools, on this machine. Needs root.",
                 "knell-bench"};
    app.require_subcommand(1);
    Options options;
    add_runs(app, options);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    std::vector<Run> runs = all_runs(options);
    // "pools" asks for a kernel.pid_max that few machines have: only by its own name.
    const bool all = app.got_subcommand("all");
    std::erase_if(runs, [&](const Run& run) { return !app.got_subcommand(run.name) && (!all || run.name == "pools"); });
    return measure(runs, options);
}

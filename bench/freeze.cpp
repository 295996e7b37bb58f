#include "bench/freeze.hpp"

#include "bench/group.hpp"
#include "bench/tool.hpp"
#include "bench/workload.hpp"

#include <csignal>
#include <utility>

namespace knell::bench {
namespace {

constexpr const char* kRun = "freeze";

void pause_for(std::uint32_t milliseconds) {
    const timespec span{milliseconds / 1000, static_cast<long>(milliseconds % 1000) * 1'000'000};
    (void)::nanosleep(&span, nullptr);
}

// What it told when there is nothing more to come.
Result<std::uint64_t> final_count(RunningTool& tool, const Tool& what, const std::string& unit) {
    tool.settle();
    if (what.by_metrics) {
        return tool.told(unit);
    }
    if (auto stopped = tool.stop(); !stopped) {
        return std::unexpected(std::move(stopped.error()));
    }
    return tool.told(unit);
}

void tell(Report& report, const Tool& tool, const char* what, const Workload& workload, std::uint64_t told) {
    report.add(kRun, tool.name, what, "", static_cast<double>(workload.deaths()) - static_cast<double>(told));
    report.add(kRun, tool.name, "deaths", "", static_cast<double>(workload.deaths()));
}

Result<> stopped_and_continued(const Tool& tool, const Workload& workload, std::uint32_t milliseconds, Report& report) {
    auto group = Group::make();
    auto running = group ? RunningTool::start(tool) : Result<RunningTool>(std::unexpected(group.error()));
    if (!running) {
        return std::unexpected(std::move(running.error()));
    }
    const Pidfd& process = running->process().pidfd();
    auto storm = RunningWorkload::start(workload, group->directory());
    if (!storm) {
        return std::unexpected(std::move(storm.error()));
    }
    pause_for(milliseconds / 10);
    if (auto sent = process.send_signal(SIGSTOP); !sent) {
        return sent;
    }
    pause_for(milliseconds);
    if (auto sent = process.send_signal(SIGCONT); !sent) {
        return sent;
    }
    if (auto ended = storm->wait(); !ended) {
        return std::unexpected(std::move(ended.error()));
    }
    const auto told = final_count(*running, tool, group->unit());
    if (!told) {
        return std::unexpected(told.error());
    }
    tell(report, tool, "not told after a stop", workload, *told);
    return {};
}

Result<> killed_and_restarted(const Tool& tool, const Workload& workload, std::uint32_t milliseconds, Report& report) {
    auto group = Group::make();
    auto first = group ? RunningTool::start(tool) : Result<RunningTool>(std::unexpected(group.error()));
    if (!first) {
        return std::unexpected(std::move(first.error()));
    }
    auto storm = RunningWorkload::start(workload, group->directory());
    if (!storm) {
        return std::unexpected(std::move(storm.error()));
    }
    pause_for(milliseconds / 10);
    // What a scraper has seen last; the lines are in their file in any case.
    const auto scraped = tool.by_metrics ? first->told(group->unit()) : Result<std::uint64_t>(0);
    if (!scraped) {
        return std::unexpected(scraped.error());
    }
    if (auto sent = first->process().pidfd().send_signal(SIGKILL); !sent) {
        return sent;
    }
    if (auto ended = first->process().wait(kSecond); !ended) {
        return std::unexpected(std::move(ended.error()));
    }
    const auto lines = tool.by_metrics ? scraped : first->told(group->unit());
    if (!lines) {
        return std::unexpected(lines.error());
    }
    pause_for(milliseconds);
    auto second = RunningTool::start(tool);
    if (!second) {
        return std::unexpected(std::move(second.error()));
    }
    if (auto ended = storm->wait(); !ended) {
        return std::unexpected(std::move(ended.error()));
    }
    const auto told = final_count(*second, tool, group->unit());
    if (!told) {
        return std::unexpected(told.error());
    }
    tell(report, tool, "not told after a restart", workload, *lines + *told);
    return {};
}

} // namespace

Result<> freeze(const FreezeOptions& options, Report& report) {
    const Workload workload{.how = "fork", .exits = options.exits, .workers = options.workers};
    const auto tools = working_tools(kRun, report);
    if (!tools) {
        return std::unexpected(tools.error());
    }
    for (const Tool& tool : *tools) {
        if (auto measured = stopped_and_continued(tool, workload, options.milliseconds, report); !measured) {
            return failure_in(tool.name, std::move(measured.error()));
        }
        if (auto measured = killed_and_restarted(surviving(tool), workload, options.milliseconds, report); !measured) {
            return failure_in(tool.name, std::move(measured.error()));
        }
    }
    return {};
}

} // namespace knell::bench

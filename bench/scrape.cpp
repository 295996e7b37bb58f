#include "bench/scrape.hpp"

#include "agent/base/file.hpp"
#include "bench/agent_thread.hpp"
#include "bench/group.hpp"
#include "bench/herd.hpp"
#include "bench/scrape_text.hpp"
#include "bench/tool.hpp"
#include "bench/workload.hpp"
#include "exporters/prometheus/http_server.hpp"
#include "exporters/prometheus/recent.hpp"
#include "exporters/prometheus/routes.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <deque>
#include <optional>
#include <utility>

namespace knell::bench {
namespace {

constexpr const char* kRun = "scrape";
constexpr const char* kAgent = "knell's agent";

// Each with a process that lives and dies in it: workloads of the metrics.
Result<std::deque<Group>> make_workloads(std::size_t count) {
    std::deque<Group> groups;
    for (std::size_t i = 0; i < count; ++i) {
        auto group = Group::make();
        if (!group) {
            return std::unexpected(std::move(group.error()));
        }
        if (auto ran = run({.how = "fork", .exits = 1, .workers = 1}, group->directory()); !ran) {
            return std::unexpected(std::move(ran.error()));
        }
        groups.push_back(std::move(*group));
    }
    return groups;
}

// Reaction times as the agent tells them.
class Reactions final : public EventSink {
  public:
    void on_event(const Event& event) override {
        const Exit* exit = std::get_if<Exit>(&event);
        if (exit != nullptr && exit->reaction) {
            us_.push_back(static_cast<double>(*exit->reaction) / 1e3);
        }
    }
    // Between two phases, when nothing dies.
    std::vector<double> take() { return std::exchange(us_, {}); }

  private:
    std::vector<double> us_;
};

Result<> kill_one_by_one(const Herd& herd, std::size_t first, std::size_t count) {
    constexpr long kPauseNs = 2'000'000;
    for (std::size_t i = first; i < first + count; ++i) {
        if (auto killed = herd.kill(i); !killed) {
            return killed;
        }
        const timespec pause{0, kPauseNs};
        (void)::nanosleep(&pause, nullptr);
    }
    const timespec settle{0, 100 * kPauseNs};
    (void)::nanosleep(&settle, nullptr);
    return {};
}

// Processes die one by one, first undisturbed, then while somebody scrapes without a break.
Result<> delay_of_the_loop(const ScrapeOptions& options, Report& report) {
    constexpr const char* kQuiet = "agent, not scraped";
    constexpr const char* kScraped = "agent, scraped all the time";
    auto herd = Herd::start(std::size_t{2} * options.deaths);
    if (!herd) {
        return std::unexpected(std::move(herd.error()));
    }
    Reactions reactions;
    auto agent = AgentThread::start({}, {&reactions});
    if (!agent) {
        return std::unexpected(std::move(agent.error()));
    }
    const auto workloads = make_workloads(options.workloads);
    if (!workloads) {
        return std::unexpected(workloads.error());
    }
    const RecentDeaths recent;
    const Observer& observer = (*agent)->observer();
    auto server = HttpServer::start("127.0.0.1:0", make_routes(observer.ledger(), observer, recent, RouteOptions{}));
    if (!server) {
        return std::unexpected(std::move(server.error()));
    }
    report.add(kRun, kAgent, "series", "", static_cast<double>(observer.ledger().series()));
    if (auto killed = kill_one_by_one(*herd, 0, options.deaths); !killed) {
        return killed;
    }
    report.add_latencies(kRun, kQuiet, options.deaths, reactions.take());
    // One client that asks again and again: its globbing makes a list of addresses of one.
    auto client = Background::start({"curl", "--silent", "--output", "/dev/null",
                                     fmt::format("http://127.0.0.1:{}/metrics?[1-1000000]", (*server)->port())});
    if (!client) {
        return std::unexpected(std::move(client.error()));
    }
    if (auto killed = kill_one_by_one(*herd, options.deaths, options.deaths); !killed) {
        return killed;
    }
    if (auto stopped = client->stop(); !stopped) {
        return stopped;
    }
    report.add_latencies(kRun, kScraped, options.deaths, reactions.take());
    const Latencies* quiet = report.latencies(kRun, kQuiet, options.deaths);
    const Latencies* scraped = report.latencies(kRun, kScraped, options.deaths);
    report.add(kRun, kAgent, "loop delayed by scrapes, p99", "us",
               std::max(0.0, scraped->percentile(0.99) - quiet->percentile(0.99)));
    return {};
}

// Of the program that runs on nodes.
Result<> memory_of_the_agent(const ScrapeOptions& options, Report& report) {
    const Tool knell = all_tools().front();
    auto running = RunningTool::start(knell);
    if (!running) {
        return std::unexpected(std::move(running.error()));
    }
    const auto workloads = make_workloads(options.containers);
    if (!workloads) {
        return std::unexpected(workloads.error());
    }
    if (auto told = running->told(workloads->back().unit()); !told) { // a scrape takes memory, too
        return std::unexpected(std::move(told.error()));
    }
    const auto status =
        read_small_file(AT_FDCWD, fmt::format("/proc/{}/status", running->process().pid()).c_str(), 1U << 16);
    if (!status) {
        return std::unexpected(status.error());
    }
    const double kib = std::strtod(status->c_str() + status->find("VmRSS:") + 6, nullptr);
    report.add(kRun, knell.name, fmt::format("RSS with {} containers", options.containers), "MiB", kib / 1024);
    return {};
}

} // namespace

Result<> scrape(const ScrapeOptions& options, Report& report) {
    for (std::uint32_t i = 0; i < options.repetitions; ++i) {
        for (const std::size_t series : options.series) {
            time_exposition(kRun, series, report);
        }
    }
    if (auto measured = delay_of_the_loop(options, report); !measured) {
        return measured;
    }
    return memory_of_the_agent(options, report);
}

} // namespace knell::bench

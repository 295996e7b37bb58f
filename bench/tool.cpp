#include "bench/tool.hpp"

#include "bench/workload.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace knell::bench {
namespace {

constexpr Nanoseconds kPatience = 30 * kSecond;
constexpr const char* kProbeComm = "knell-probe";

// Apart from the node's own agent.
constexpr const char* kRunAgent = R"(exec "$0" run --config /dev/stdin <<CONFIG
listen: 127.0.0.1:0
state: {pin: "$1", keep_on_exit: false}
CONFIG
)";
// No bpffs: each agent begins at zero, and nothing stays that the next tool would pay for.
constexpr const char* kNoPin = "/nowhere/knell";
constexpr const char* kPin = "/sys/fs/bpf/knell-bench";

Tool peer(const std::string& program, const std::string& package, std::vector<std::string> arguments) {
    Tool tool{program, {}, "not installed (Debian's " + package + ")", false, package};
    if (const auto path = installed(program)) {
        tool.argv = std::move(arguments);
        tool.argv.insert(tool.argv.begin(), *path);
    }
    return tool;
}

// What was installed: tools do not agree on how to ask them. Empty where dpkg does not know it.
std::string version_of(const std::string& package) {
    const auto query = installed("dpkg-query");
    return query ? output_of({*query, "--show", "--showformat=${Package} ${Version}", package}).value_or("") : "";
}

// Most peers find the tracepoint by its number there.
std::string likely_cause() {
    return ::access("/sys/kernel/tracing/events", F_OK) == 0
               ? ""
               : " (tracefs is not mounted: scripts/mounts.sh mounts it for one command)";
}

} // namespace

std::vector<Tool> all_tools() {
    const std::string knell = beside_us("knell");
    return {
        {"knell run", {"sh", "-c", kRunAgent, knell, kNoPin}, "", true, ""},
        {"knell trace", {knell, "trace"}, "", false, ""},
        peer("exitsnoop", "libbpf-tools", {}),
        peer("bpftrace", "bpftrace",
             {"-e",
              R"(tracepoint:sched:sched_process_exit /pid == tid/ { printf("%d %s %d\n", pid, comm, args->pid); })"}),
        peer("forkstat", "forkstat", {"-c", "-e", "exit"}),
    };
}

Tool surviving(Tool tool) {
    std::ranges::replace(tool.argv, std::string(kNoPin), std::string(kPin));
    return tool;
}

Result<std::vector<Tool>> working_tools(const std::string& run, Report& report) {
    std::vector<Tool> working;
    for (Tool& tool : all_tools()) {
        if (tool.argv.empty()) {
            report.absent({run, tool.name, tool.why_absent});
            continue;
        }
        const auto tried = RunningTool::start(tool);
        if (tried) {
            if (!tool.package.empty()) {
                report.version(tool.name, version_of(tool.package));
            }
            working.push_back(std::move(tool));
        } else if (tool.package.empty()) {
            return std::unexpected(tried.error());
        } else {
            report.absent({run, tool.name, tried.error().message + likely_cause()});
        }
    }
    return working;
}

Result<RunningTool> RunningTool::start(const Tool& tool) {
    auto process = Background::start(tool.argv);
    if (!process) {
        return std::unexpected(std::move(process.error()));
    }
    RunningTool running(tool, std::move(*process));
    // Some write once a buffer is full: it takes many deaths to see the first.
    const Instant deadline = monotonic_now() + kPatience;
    for (;;) {
        const auto told = running.has_told_a_death();
        if (!told) {
            return std::unexpected(told.error());
        }
        if (*told) {
            running.settle();
            return running;
        }
        if (!running.process_.running() || monotonic_now() > deadline) {
            const std::string said = running.process_.output().value_or("");
            return failure(tool.name + " tells no deaths: " + said.substr(0, said.find('\n')));
        }
        if (auto probed = output_of({beside_us("knell-fork-storm"), "fork", "100", kProbeComm}); !probed) {
            return std::unexpected(std::move(probed.error()));
        }
    }
}

Result<bool> RunningTool::has_told_a_death() const {
    const auto output = process_.output();
    if (!output) {
        return std::unexpected(output.error());
    }
    return output->find(tool_.by_metrics ? "metrics on http://" : kProbeComm) != std::string::npos;
}

void RunningTool::settle() const {
    constexpr int kStill = 5;
    Nanoseconds before = process_.cpu_time();
    int still = 0;
    (void)eventually(
        [&] {
            const timespec pause{0, 50'000'000};
            (void)::nanosleep(&pause, nullptr);
            const Nanoseconds now = process_.cpu_time();
            still = elapsed(before, now) < kMillisecond / 2 ? still + 1 : 0;
            before = now;
            return still == kStill;
        },
        kPatience);
}

Result<std::string> RunningTool::metrics() const {
    const auto output = process_.output();
    if (!output) {
        return std::unexpected(output.error());
    }
    const std::size_t at = output->find("http://");
    if (at == std::string::npos) {
        return failure(tool_.name + " does not say where its metrics are");
    }
    return output_of({"curl", "--silent", "--fail", output->substr(at, output->find('\n', at) - at)});
}

Result<std::uint64_t> RunningTool::told(const std::string& unit) const {
    if (!tool_.by_metrics) {
        const auto output = process_.output();
        return output ? Result<std::uint64_t>(count_of(kWorkloadComm, *output)) : std::unexpected(output.error());
    }
    const auto text = metrics();
    if (!text) {
        return std::unexpected(text.error());
    }
    return sum_of(*text, "knell_process_exits_total", unit);
}

Result<Books> RunningTool::balanced_books() const {
    Result<Books> books;
    const bool balanced = eventually(
        [&] {
            const auto text = metrics();
            books = text ? Result<Books>(read_books(*text)) : std::unexpected(text.error());
            return !books || books->balanced();
        },
        kPatience);
    if (!balanced) {
        return failure(fmt::format("the books do not balance: seen {}, delivered {}, spilled {}, unaccounted {}, "
                                   "counted {}",
                                   books->seen, books->delivered, books->spilled, books->unaccounted, books->counted));
    }
    return books;
}

} // namespace knell::bench

#include "bench/storm.hpp"

#include "agent/probe/bpf_stats.hpp"
#include "bench/agent_thread.hpp"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <string>
#include <vector>

namespace knell::bench {
namespace {

// Beside this program: see bench/CMakeLists.txt.
std::string worker_path() {
    char self[PATH_MAX];
    const ssize_t length = ::readlink("/proc/self/exe", self, sizeof self);
    const std::string path(self, length > 0 ? static_cast<std::size_t>(length) : 0);
    return path.substr(0, path.rfind('/') + 1) + "knell-fork-storm";
}

// Runs the workers to their end; the wall time.
Result<Nanoseconds> run_workers(const StormOptions& options) {
    const std::string path = worker_path();
    const std::string count = std::to_string(options.exits / options.workers);
    std::vector<pid_t> workers;
    const Instant start = monotonic_now();
    for (std::uint32_t i = 0; i < options.workers; ++i) {
        char* arguments[] = {const_cast<char*>(path.c_str()), const_cast<char*>(count.c_str()), nullptr};
        pid_t pid = 0;
        if (const int error = ::posix_spawn(&pid, path.c_str(), nullptr, nullptr, arguments, environ)) {
            return system_failure("starting " + path, error);
        }
        workers.push_back(pid);
    }
    bool failed = false;
    for (const pid_t worker : workers) {
        int status = 0;
        failed = ::waitpid(worker, &status, 0) != worker || status != 0 || failed;
    }
    if (failed) {
        return failure("a worker failed");
    }
    return elapsed(start, monotonic_now());
}

// Waits until every delivered exit since the agent's start is in the ledger: a few milliseconds after the last one.
// False: the books do not balance.
bool settle(const AgentThread& agent) {
    const timespec pause{0, 10'000'000};
    for (int i = 0; i < 200; ++i) {
        const KernelCounts counts = agent.status().kernel;
        // Other processes of the machine die meanwhile; a reading between two of them balances.
        if (counts.exits_seen == counts.exits_delivered + counts.exits_spilled + counts.exits_unaccounted &&
            counts.exits_delivered + counts.exits_spilled == agent.exits_counted()) {
            return true;
        }
        (void)::nanosleep(&pause, nullptr);
    }
    return false;
}

struct Sample {
    Nanoseconds wall = 0;
    double agent_us = 0;    // CPU of the loop thread per exit
    double bpf_exit_us = 0; // mean of the exit program
    double bpf_all_us = 0;  // all programs, per exit
    std::uint64_t seen = 0;
    std::uint64_t delivered = 0;
    std::uint64_t dropped = 0;
    std::uint64_t counted = 0; // in the ledger
    std::uint64_t wakeups = 0;
    bool balanced = false; // seen = delivered + dropped, and all that was delivered was counted
};

Nanoseconds time_of(const Status& status, const std::string& program) {
    Nanoseconds time = 0;
    for (const ProgramStats& stats : status.programs) {
        time += program.empty() || stats.name == program ? stats.time : 0;
    }
    return time;
}

std::uint64_t wakeups_of(const Status& status) {
    return status.kernel.wakeups_armed + status.kernel.wakeups_high_water + status.kernel.wakeups_late;
}

Result<Sample> with_agent(const StormOptions& options, bool bpf_stats) {
    auto agent = AgentThread::start();
    if (!agent) {
        return std::unexpected(std::move(agent.error()));
    }
    Fd stats;
    if (bpf_stats) {
        auto enabled = enable_bpf_stats();
        if (!enabled) {
            return std::unexpected(std::move(enabled.error()));
        }
        stats = std::move(*enabled);
    }
    const Status before = (*agent)->status();
    if (!before.bpf) {
        return failure("the storm measures the BPF side, which this machine refuses: `knell doctor` says why");
    }
    const std::uint64_t counted_before = (*agent)->exits_counted();
    const Nanoseconds cpu_before = (*agent)->cpu_time();
    auto wall = run_workers(options);
    if (!wall) {
        return std::unexpected(std::move(wall.error()));
    }
    const bool balanced = settle(**agent);
    const Nanoseconds cpu = (*agent)->cpu_time() - cpu_before;
    const Status after = (*agent)->status();
    Sample sample;
    sample.wall = *wall;
    sample.balanced = balanced;
    sample.seen = after.kernel.exits_seen - before.kernel.exits_seen;
    sample.delivered = after.kernel.exits_delivered - before.kernel.exits_delivered;
    sample.dropped = after.kernel.exits_spilled - before.kernel.exits_spilled + after.kernel.exits_unaccounted -
                     before.kernel.exits_unaccounted;
    sample.counted = (*agent)->exits_counted() - counted_before;
    sample.wakeups = wakeups_of(after) - wakeups_of(before);
    const auto exits = static_cast<double>(std::max<std::uint64_t>(sample.seen, 1));
    sample.agent_us = static_cast<double>(cpu) / 1e3 / exits;
    sample.bpf_exit_us = static_cast<double>(time_of(after, "exit") - time_of(before, "exit")) / 1e3 / exits;
    sample.bpf_all_us = static_cast<double>(time_of(after, "") - time_of(before, "")) / 1e3 / exits;
    return sample;
}

double rate(const StormOptions& options, Nanoseconds wall) {
    return static_cast<double>(options.exits) / to_seconds(wall);
}

void print_sample(const char* what, const StormOptions& options, const Sample& sample, bool bpf_stats) {
    fmt::print("{:<20} {:>9.0f} {:>10.2f} {:>9} {:>9} {:>9} {:>9} {:>9} {:>8}\n", what, rate(options, sample.wall),
               sample.agent_us, bpf_stats ? fmt::format("{:.2f}", sample.bpf_exit_us) : "-",
               bpf_stats ? fmt::format("{:.2f}", sample.bpf_all_us) : "-", sample.seen, sample.counted, sample.dropped,
               sample.wakeups);
}

} // namespace

Result<> storm(const StormOptions& options) {
    if (options.exits < options.workers) {
        return failure("fewer exits than workers");
    }
    fmt::print("{} processes by {} workers; times in us per exit\n", options.exits, options.workers);
    fmt::print("{:<20} {:>9} {:>10} {:>9} {:>9} {:>9} {:>9} {:>9} {:>8}\n", "", "exits/s", "agent CPU", "BPF exit",
               "BPF all", "seen", "counted", "dropped", "wake-ups");
    for (std::uint32_t i = 0; i < options.repetitions; ++i) {
        auto bare = run_workers(options);
        if (!bare) {
            return std::unexpected(std::move(bare.error()));
        }
        fmt::print("{:<20} {:>9.0f}\n", "nothing attached", rate(options, *bare));
        for (const bool bpf_stats : {false, true}) {
            auto sample = with_agent(options, bpf_stats);
            if (!sample) {
                return std::unexpected(std::move(sample.error()));
            }
            print_sample(bpf_stats ? "knell, BPF timed" : "knell", options, *sample, bpf_stats);
            if (!sample->balanced) {
                return failure(fmt::format("the books do not balance: seen {}, delivered {}, dropped {}, counted {}",
                                           sample->seen, sample->delivered, sample->dropped, sample->counted));
            }
        }
    }
    return {};
}

} // namespace knell::bench

#include "bench/idle.hpp"

#include "bench/agent_thread.hpp"
#include "bench/herd.hpp"
#include "bench/memory.hpp"
#include "bench/program.hpp"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>

namespace knell::bench {
namespace {

constexpr const char* kRun = "idle";
constexpr const char* kAgent = "knell's agent";

std::uint64_t switches_of(pid_t tid) {
    const std::string status = "/proc/self/task/" + std::to_string(tid) + "/status";
    return proc_number(status, "voluntary_ctxt_switches") + proc_number(status, "nonvoluntary_ctxt_switches");
}

std::uint64_t watches_of(const AgentThread& agent) {
    return agent.observer().status().watches[static_cast<std::size_t>(WatchState::alive)];
}

struct Activity {
    std::uint64_t turns = 0;
    std::uint64_t switches = 0;
    Nanoseconds cpu = 0;
    std::uint64_t deaths = 0; // of the whole machine
};

Activity activity_of(const AgentThread& agent) {
    const Status status = agent.observer().status();
    return {status.loop_turns, switches_of(agent.tid()), agent.cpu_time(), status.kernel.exits_seen};
}

// The quietest second of the span: whatever dies elsewhere on the machine wakes the agent, as it should.
void tell_quietest(const AgentThread& agent, std::uint32_t seconds, Report& report) {
    Activity least{~std::uint64_t{0}, 0, 0, 0};
    Activity total{};
    for (std::uint32_t i = 0; i < seconds; ++i) {
        const Activity before = activity_of(agent);
        (void)::sleep(1);
        const Activity after = activity_of(agent);
        const Activity spent{after.turns - before.turns, after.switches - before.switches, after.cpu - before.cpu,
                             after.deaths - before.deaths};
        total = {total.turns + spent.turns, total.switches + spent.switches, total.cpu + spent.cpu,
                 total.deaths + spent.deaths};
        if (spent.turns < least.turns) {
            least = spent;
        }
    }
    report.add(kRun, kAgent, "deaths elsewhere", "", static_cast<double>(total.deaths));
    report.add(kRun, kAgent, "loop turns", "", static_cast<double>(total.turns));
    report.add(kRun, kAgent, "thread switches", "", static_cast<double>(total.switches));
    report.add(kRun, kAgent, "CPU", "ms", static_cast<double>(total.cpu) / 1e6);
    report.add(kRun, kAgent, "loop turns in the quietest second", "", static_cast<double>(least.turns));
}

} // namespace

Result<> idle(const IdleOptions& options, Report& report) {
    // An agent that watches nobody, for what it needs anyway.
    ObserverOptions nobody;
    nobody.select.comm = PatternList({"!*"});
    auto herd = Herd::start(options.processes);
    if (!herd) {
        return std::unexpected(std::move(herd.error()));
    }
    Memory before;
    {
        const auto agent = AgentThread::start(nobody, {});
        if (!agent) {
            return std::unexpected(agent.error());
        }
        before = memory_now();
    }
    const Instant start = monotonic_now();
    const auto agent = AgentThread::start({}, {});
    if (!agent) {
        return std::unexpected(agent.error());
    }
    report.add(kRun, kAgent, "start to ready", "s", to_seconds(elapsed(start, monotonic_now())));
    const std::uint64_t watched = watches_of(**agent);
    if (watched < options.processes) {
        return failure(std::to_string(watched) + " of " + std::to_string(options.processes) +
                       " processes are watched (ulimit -Hn)");
    }
    const Memory after = memory_now();
    const auto watches = static_cast<double>(watched);
    report.add(kRun, kAgent, "watches", "", watches);
    report.add(kRun, kAgent, "memory per watch, own", "bytes", (after.own_bytes - before.own_bytes) / watches);
    report.add(kRun, kAgent, "memory per watch, kernel", "bytes", (after.kernel_bytes - before.kernel_bytes) / watches);
    tell_quietest(**agent, options.seconds, report);
    return {};
}

} // namespace knell::bench

#include "agent/base/log.hpp"
#include "agent/cli/commands.hpp"
#include "agent/cli/console.hpp"
#include "agent/cli/deadline.hpp"
#include "agent/cli/shutdown.hpp"
#include "agent/observer/observer.hpp"

#include <unistd.h>

namespace knell {
namespace {

// What was asked for and cannot be seen here.
void warn_of_blind_spots(const std::vector<Feature>& features, const TraceArguments& arguments) {
    for (const Feature& feature : features) {
        if (feature.on()) {
            continue;
        }
        if (feature.name == "exit" && arguments.exits) {
            log::warn("without BPF only processes that live longer than a second are seen: {}", feature.why_not);
        } else if (feature.name == "exec" && arguments.execs) {
            log::warn("no exec is seen: {}", feature.why_not);
        } else if (feature.name == "pidfd_creation" && arguments.pidfds) {
            log::warn("no pidfd is seen: {}", feature.why_not);
        }
    }
}

void warn_of_losses(const KernelCounts& counts, const TraceArguments& arguments) {
    const std::uint64_t lost = (arguments.exits ? counts.exits_unaccounted : 0) +
                               (arguments.execs ? counts.execs_dropped : 0) + counts.pidfds_dropped;
    if (arguments.exits && counts.exits_spilled != 0) {
        log::warn("{} deaths were counted without their details: they came faster than they could be read",
                  counts.exits_spilled);
    }
    if (lost != 0) {
        log::warn("{} events were lost: they came faster than they could be read", lost);
    }
}

} // namespace

Result<> trace(const TraceArguments& arguments) {
    auto choice = make_loop(BackendChoice::automatic);
    if (!choice) {
        return std::unexpected(std::move(choice.error()));
    }
    Loop& loop = *choice->loop;
    auto signals = stop_on_signals(loop, {});
    if (!signals) {
        return std::unexpected(std::move(signals.error()));
    }
    ObserverOptions options;
    options.why_not_io_uring = choice->why_not_io_uring;
    // Nobody reads the counts here: unless the events are asked for, the node is spared the programs.
    options.probe.pidfd_creation = arguments.pidfds;
    options.probe.record_pidfds = arguments.pidfds;
    options.held_pidfds = false;
    auto observer = Observer::start(options, loop);
    if (!observer) {
        return std::unexpected(std::move(observer.error()));
    }
    warn_of_blind_spots((*observer)->features(), arguments);
    ConsoleOptions console = console_options(STDOUT_FILENO);
    console.json = arguments.json;
    console.count = arguments.count;
    console.filter.exits = arguments.exits;
    console.filter.execs = arguments.execs;
    console.filter.reaps = arguments.exits && arguments.json;
    console.filter.pidfds = arguments.pidfds;
    console.filter.reasons = arguments.reasons;
    console.filter.comm_glob = arguments.comm_glob;
    console.filter.container_glob = arguments.container_glob;
    ConsoleSink sink(std::move(console), [&loop] { loop.stop(); });
    (*observer)->set_sinks({&sink});

    std::unique_ptr<Deadline> deadline;
    if (arguments.duration) {
        auto armed = Deadline::arm(loop, *arguments.duration, [&loop] { loop.stop(); });
        if (!armed) {
            return std::unexpected(std::move(armed.error()));
        }
        deadline = std::move(*armed);
    }
    auto ended = loop.run(**observer);
    (*observer)->finish();
    warn_of_losses((*observer)->status().kernel, arguments);
    auto shown = show_the_rest(sink);
    return ended ? shown : ended;
}

} // namespace knell

#include "bench/pools.hpp"

#include "bench/herd.hpp"
#include "bench/memory.hpp"
#include "bench/stamps.hpp"
#include "bench/watcher_process.hpp"

#include <algorithm>
#include <deque>
#include <string>
#include <utility>

namespace knell::bench {
namespace {

constexpr const char* kRun = "pools";

// A pool in its process, and whom it watches.
struct Part {
    Herd herd;
    SlotRange slots;
    std::uint64_t killed = 0;
};

Result<std::deque<Part>> start_herds(std::size_t watches, Slots& slots) {
    const std::size_t most = most_watches();
    if (most == 0) {
        return failure("RLIMIT_NOFILE leaves no room for watches");
    }
    const std::size_t count = (watches + most - 1) / most;
    std::deque<Part> parts;
    for (std::size_t i = 0; i < count; ++i) {
        const auto first = static_cast<std::uint32_t>(watches * i / count);
        const auto size = static_cast<std::uint32_t>(watches * (i + 1) / count) - first;
        auto herd = Herd::start(size);
        if (!herd) {
            return std::unexpected(std::move(herd.error()));
        }
        parts.push_back({.herd = std::move(*herd), .slots = SlotRange(slots, first, size)});
    }
    return parts;
}

// All at once, as they sleep.
Result<std::vector<WatcherProcess>> start_pools(const Contestant& contestant, std::deque<Part>& parts) {
    std::vector<WatcherProcess> processes;
    for (Part& part : parts) {
        auto process = WatcherProcess::start(contestant, part.herd.pids(), part.slots);
        if (!process) {
            return std::unexpected(std::move(process.error()));
        }
        processes.push_back(std::move(*process));
    }
    return processes;
}

// Whose the number is among all; then its number there.
Part& part_of(std::deque<Part>& parts, std::size_t& which) {
    auto part = parts.begin();
    for (; which >= part->herd.pids().size(); ++part) {
        which -= part->herd.pids().size();
    }
    return *part;
}

// One here, one there, by chance.
Result<> kill_some(std::deque<Part>& parts, std::size_t watches, const PoolsOptions& options, std::uint32_t round) {
    for (std::size_t victim : random_victims(watches, options.deaths, round)) {
        Part& part = part_of(parts, victim);
        if (auto sent = part.herd.kill(victim); !sent) {
            return sent;
        }
        ++part.killed;
        const timespec pause{0, static_cast<long>(options.pause_us) * 1000};
        (void)::nanosleep(&pause, nullptr);
    }
    return {};
}

// The kernel's names of what it opened in /proc stay in memory: not what a watch takes.
Result<> look_around(const Contestant& contestant, Slots& slots) {
    auto nobody = WatcherProcess::start(contestant, {}, slots);
    return nobody ? Result<>() : std::unexpected(std::move(nobody.error()));
}

Result<> measure(const Contestant& contestant, std::size_t watches, const PoolsOptions& options, std::uint32_t round,
                 Report& report) {
    auto probe = load_stamping_programs(watches);
    if (!probe) {
        return std::unexpected(std::move(probe.error()));
    }
    auto parts = start_herds(watches, **probe);
    if (!parts) {
        return std::unexpected(std::move(parts.error()));
    }
    if (auto looked = look_around(contestant, **probe); !looked) {
        return looked;
    }
    const double kernel_before = memory_now().kernel_bytes;
    auto processes = start_pools(contestant, *parts);
    if (!processes) {
        return std::unexpected(std::move(processes.error()));
    }
    const double kernel_bytes = memory_now().kernel_bytes - kernel_before;
    double own_bytes = 0;
    for (const WatcherProcess& process : *processes) {
        own_bytes += process.own_bytes();
    }
    if (auto killed = kill_some(*parts, watches, options, round); !killed) {
        return killed;
    }
    for (std::size_t i = 0; i < processes->size(); ++i) {
        const auto latencies = (*processes)[i].finish((*parts)[i].killed);
        if (!latencies) {
            return std::unexpected(latencies.error());
        }
        report.add_latencies(kRun, contestant.name, watches, *latencies);
    }
    const std::string subject = contestant.name + ", " + std::to_string(watches);
    const auto count = static_cast<double>(watches);
    report.add(kRun, subject, "processes", "", static_cast<double>(processes->size()));
    report.add(kRun, subject, "memory per watch, own", "bytes", own_bytes / count);
    report.add(kRun, subject, "memory per watch, kernel", "bytes", kernel_bytes / count);
    return {};
}

} // namespace

Result<> pools(const PoolsOptions& options, Report& report) {
    for (std::uint32_t round = 0; round < options.repetitions; ++round) {
        for (const std::size_t watches : options.watches) {
            for (const Contestant& contestant : {pool_on_uring(), bare_epoll()}) {
                if (auto measured = measure(contestant, watches, options, round, report); !measured) {
                    return failure_in(contestant.name, std::move(measured.error()));
                }
            }
        }
    }
    return {};
}

} // namespace knell::bench

#include "bench/mass_exit.hpp"

#include "bench/agent_thread.hpp"
#include "bench/herd.hpp"
#include "bench/watcher.hpp"

#include <fmt/format.h>

#include <atomic>
#include <memory>
#include <utility>
#include <vector>

namespace knell::bench {
namespace {

constexpr const char* kRun = "mass-exit";
constexpr Nanoseconds kPatience = 60 * kSecond;

// What is left after the agent told them: exits of one parent's children.
class ReapCounter final : public EventSink {
  public:
    void on_event(const Event& event) override {
        const Reap* reap = std::get_if<Reap>(&event);
        if (reap != nullptr && reap->process.ppid == parent_.load(std::memory_order_relaxed)) {
            count_.fetch_add(1, std::memory_order_release);
        }
    }
    void set_parent(pid_t parent) { parent_.store(static_cast<std::uint32_t>(parent), std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t count() const { return count_.load(std::memory_order_acquire); }

  private:
    std::atomic<std::uint32_t> parent_ = 0;
    std::atomic<std::uint64_t> count_ = 0;
};

// What prepares the watching is not measured: io_uring arms its waits in the loop's first turns.
template <typename CpuTime>
void await_stillness(CpuTime&& cpu_time) {
    Nanoseconds before = cpu_time();
    (void)eventually(
        [&] {
            const timespec pause{0, 30'000'000};
            (void)::nanosleep(&pause, nullptr);
            return elapsed(std::exchange(before, cpu_time()), cpu_time()) < kMillisecond / 10;
        },
        kPatience);
}

// Kills all and waits until they are collected, and `handled` has come to their number. The wall time.
template <typename Handled>
Result<Nanoseconds> kill_all(Herd& herd, const std::string& name, Handled&& handled) {
    const Instant start = monotonic_now();
    if (auto killed = herd.kill_all(); !killed) {
        return std::unexpected(std::move(killed.error()));
    }
    if (auto collected = herd.wait_until_collected(); !collected) {
        return std::unexpected(std::move(collected.error()));
    }
    // In fine steps: the difference between contestants is milliseconds.
    const Instant deadline = monotonic_now() + kPatience;
    while (handled() < herd.pids().size()) {
        if (monotonic_now() > deadline) {
            return failure(fmt::format("{} handled {} of {} ends", name, handled(), herd.pids().size()));
        }
        const timespec pause{0, 100'000};
        (void)::nanosleep(&pause, nullptr);
    }
    return elapsed(start, monotonic_now());
}

void tell(Report& report, const std::string& name, std::size_t processes, Nanoseconds wall) {
    report.add(kRun, name, "wall", "ms", static_cast<double>(wall) / 1e6);
    report.add(kRun, name, "processes", "", static_cast<double>(processes));
}

void tell_cpu(Report& report, const std::string& name, std::size_t processes, Nanoseconds cpu) {
    report.add(kRun, name, "CPU per exit", "us", static_cast<double>(cpu) / 1e3 / static_cast<double>(processes));
}

Result<> nobody(const MassExitOptions& options, Report& report) {
    auto herd = Herd::start(options.processes);
    if (!herd) {
        return std::unexpected(std::move(herd.error()));
    }
    const auto wall = kill_all(*herd, "nobody", [&] { return options.processes; });
    if (!wall) {
        return std::unexpected(wall.error());
    }
    tell(report, "nobody", options.processes, *wall);
    return {};
}

Result<> watched_by(const Contestant& contestant, const MassExitOptions& options, Report& report) {
    auto herd = Herd::start(options.processes);
    if (!herd) {
        return std::unexpected(std::move(herd.error()));
    }
    auto watching = WatcherThread::start(contestant, herd->pids(), nullptr);
    if (!watching) {
        return std::unexpected(std::move(watching.error()));
    }
    await_stillness([&] { return (*watching)->cpu_time(); });
    const Nanoseconds cpu_before = (*watching)->cpu_time();
    const auto wall = kill_all(*herd, contestant.name, [&] { return (*watching)->handled(); });
    if (!wall) {
        return std::unexpected(wall.error());
    }
    const Nanoseconds cpu = elapsed(cpu_before, (*watching)->cpu_time());
    if (auto finished = (*watching)->finish(); !finished) {
        return failure_in(contestant.name, std::move(finished.error()));
    }
    tell(report, contestant.name, options.processes, *wall);
    tell_cpu(report, contestant.name, options.processes, cpu);
    return {};
}

// Pool, BPF programs, cause, place and counts.
Result<> watched_by_agent(const MassExitOptions& options, Report& report) {
    constexpr const char* kName = "knell's agent";
    auto herd = Herd::start(options.processes);
    if (!herd) {
        return std::unexpected(std::move(herd.error()));
    }
    ReapCounter reaps;
    reaps.set_parent(herd->parent());
    auto agent = AgentThread::start({}, {&reaps});
    if (!agent) {
        return std::unexpected(std::move(agent.error()));
    }
    await_stillness([&] { return (*agent)->cpu_time(); });
    const Nanoseconds cpu_before = (*agent)->cpu_time();
    const auto wall = kill_all(*herd, kName, [&] { return reaps.count(); });
    if (!wall) {
        return std::unexpected(wall.error());
    }
    tell(report, kName, options.processes, *wall);
    tell_cpu(report, kName, options.processes, elapsed(cpu_before, (*agent)->cpu_time()));
    return {};
}

} // namespace

Result<> mass_exit(const MassExitOptions& options, Report& report) {
    std::vector<Contestant> contestants = {pool_on_uring(), bare_epoll(), bare_epoll_with_reap(), pool_on_epoll(),
                                           bare_uring()};
    // Netlink may be refused: in containers, and where the kernel is built without it.
    if (auto connector = proc_connector().make(); connector) {
        contestants.push_back(proc_connector());
    } else {
        report.absent({kRun, "proc connector", connector.error().message});
    }
    for (std::uint32_t i = 0; i < options.repetitions; ++i) {
        if (auto measured = nobody(options, report); !measured) {
            return measured;
        }
        for (const Contestant& contestant : contestants) {
            if (auto measured = watched_by(contestant, options, report); !measured) {
                return measured;
            }
        }
        if (auto measured = watched_by_agent(options, report); !measured) {
            return measured;
        }
    }
    return {};
}

} // namespace knell::bench

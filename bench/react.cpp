#include "bench/react.hpp"

#include "bench/herd.hpp"
#include "bench/stamps.hpp"
#include "bench/watcher.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

namespace knell::bench {
namespace {

constexpr Nanoseconds kPatience = 10 * kSecond;

std::vector<Contestant> contestants() {
    return {pool_on_uring(), bare_epoll(), pool_on_epoll(), bare_uring()};
}

Result<std::vector<double>> latencies_of(const Contestant& contestant, std::size_t watches, const ReactOptions& options,
                                         std::uint32_t round) {
    // As many die as there are left to watch: the size of the pool stays about the same.
    const std::uint32_t deaths = std::min<std::uint32_t>(options.deaths, static_cast<std::uint32_t>(watches));
    auto herd = Herd::start(watches);
    if (!herd) {
        return std::unexpected(std::move(herd.error()));
    }
    auto probe = load_stamping_programs(watches);
    if (!probe) {
        return std::unexpected(std::move(probe.error()));
    }
    auto watching = WatcherThread::start(contestant, herd->pids(), probe->get());
    if (!watching) {
        return std::unexpected(std::move(watching.error()));
    }
    std::uint64_t killed = 0;
    for (const std::size_t victim : random_victims(watches, deaths, round)) {
        if (auto sent = herd->kill(victim); !sent) {
            return std::unexpected(std::move(sent.error()));
        }
        ++killed;
        if (!eventually([&] { return (*watching)->handled() >= killed; }, kPatience)) {
            return failure(
                fmt::format("{} did not notice the death of process {}", contestant.name, herd->pids()[victim]));
        }
        const timespec pause{0, static_cast<long>(options.pause_us) * 1000};
        (void)::nanosleep(&pause, nullptr);
    }
    return (*watching)->finish();
}

} // namespace

Result<> react(const ReactOptions& options, Report& report) {
    const std::size_t most = most_watches();
    for (const std::size_t watches : options.watches) {
        if (watches > most) {
            report.absent(
                {"react", fmt::format("{} watches", watches), fmt::format("RLIMIT_NOFILE leaves room for {}", most)});
            continue;
        }
        for (std::uint32_t round = 0; round < options.repetitions; ++round) {
            std::vector<Contestant> order = contestants();
            // Everybody is first once: the machine is never the same for long.
            std::ranges::rotate(order, order.begin() + static_cast<std::ptrdiff_t>(round % order.size()));
            for (const Contestant& contestant : order) {
                const auto latencies = latencies_of(contestant, watches, options, round);
                if (!latencies) {
                    return failure_in(contestant.name, latencies.error());
                }
                report.add_latencies("react", contestant.name, watches, *latencies);
            }
        }
    }
    return {};
}

} // namespace knell::bench

#include "agent/ledger/ledger.hpp"
#include "agent/observer/status.hpp"
#include "exporters/prometheus/collectable.hpp"
#include "exporters/prometheus/open_metrics.hpp"
#include "exporters/prometheus/text.hpp"

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <prometheus/counter.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <csignal>
#include <memory>
#include <utility>

// The counts behind the metrics: what a death costs there, and what a scrape does. The peer is prometheus-cpp's own
// registry.
namespace knell::bench {
namespace {

std::shared_ptr<const Place> place_of(std::int64_t number) {
    Place place;
    place.name_space = "shop";
    place.container = fmt::format("container-{:06}", number);
    return std::make_shared<const Place>(std::move(place));
}

Exit exit_in(std::shared_ptr<const Place> place) {
    Exit exit;
    exit.process.place = std::move(place);
    exit.reason = Reason::success;
    exit.exit_code = 0;
    return exit;
}

void count_success(benchmark::State& state) {
    Ledger ledger({});
    const Event event = exit_in(place_of(0));
    for (auto _ : state) {
        ledger.on_event(event);
    }
}
BENCHMARK(count_success)->Name("ledger/count_success");

void count_kill(benchmark::State& state) {
    Ledger ledger({});
    Exit exit = exit_in(place_of(0));
    exit.exit_code.reset();
    exit.reason = Reason::signal;
    exit.signal = SIGKILL;
    exit.killer = Killer{.kind = KillerClass::parent, .pid = 1, .uid = 0, .comm = "sh"};
    exit.teardown = 50 * kMicrosecond;
    exit.reaction = 10 * kMicrosecond;
    const Event event = exit;
    for (auto _ : state) {
        ledger.on_event(event);
    }
}
BENCHMARK(count_kill)->Name("ledger/count_watched_kill");

// The first sight of a container, and its end.
void discover(benchmark::State& state) {
    Ledger ledger({.max_series = 1U << 20, .retain = 0});
    std::int64_t number = 0;
    for (auto _ : state) {
        const auto place = place_of(number++);
        ledger.discover(place);
        ledger.place_gone(place, 1);
        ledger.forget_gone(1);
    }
}
BENCHMARK(discover)->Name("ledger/discover_and_forget");

class NoStatus final : public StatusSource {
  public:
    [[nodiscard]] Status status() const override { return {}; }
    [[nodiscard]] bool loop_turns_within(Nanoseconds) const override { return true; }
};

// Places for about so many series.
void fill(Ledger& ledger, std::int64_t series) {
    for (std::int64_t i = 0; i < series / static_cast<std::int64_t>(Workload::kFixedSeries); ++i) {
        ledger.discover(place_of(i));
    }
}

void list_workloads(benchmark::State& state) {
    Ledger ledger({.max_series = 1U << 20});
    fill(ledger, state.range(0));
    for (auto _ : state) {
        benchmark::DoNotOptimize(ledger.workloads().size());
    }
}
BENCHMARK(list_workloads)->Name("ledger/snapshot")->Arg(1000)->Arg(10'000)->Arg(100'000)->ArgName("series");

void expose(benchmark::State& state) {
    Ledger ledger({.max_series = 1U << 20});
    fill(ledger, state.range(0));
    const NoStatus status;
    const NodeCollectable collectable(ledger, status, {});
    for (auto _ : state) {
        benchmark::DoNotOptimize(
            to_text([&](const FamilySink& sink) { collectable.for_each_family(sink); }, ledger.series()).size());
    }
}
BENCHMARK(expose)
    ->Name("exposition/knell")
    ->Arg(1000)
    ->Arg(10'000)
    ->Arg(100'000)
    ->ArgName("series")
    ->Unit(benchmark::kMillisecond);

void expose_open_metrics(benchmark::State& state) {
    Ledger ledger({.max_series = 1U << 20});
    fill(ledger, state.range(0));
    const NoStatus status;
    const NodeCollectable collectable(ledger, status, {});
    for (auto _ : state) {
        const auto collect = [&](const FamilySink& sink) { collectable.for_each_family(sink); };
        benchmark::DoNotOptimize(to_open_metrics(collect, ledger.series(), Instant{1}).size());
    }
}
BENCHMARK(expose_open_metrics)
    ->Name("exposition/open_metrics")
    ->Arg(1000)
    ->Arg(10'000)
    ->Arg(100'000)
    ->ArgName("series")
    ->Unit(benchmark::kMillisecond);

void expose_peer(benchmark::State& state) {
    prometheus::Registry registry;
    const auto workloads = state.range(0) / static_cast<std::int64_t>(Workload::kFixedSeries);
    for (std::size_t family = 0; family < Workload::kFixedSeries; ++family) {
        auto& counters =
            prometheus::BuildCounter().Name(fmt::format("peer_{}_total", family)).Help("A peer.").Register(registry);
        for (std::int64_t i = 0; i < workloads; ++i) {
            counters.Add({{"namespace", "shop"}, {"container", fmt::format("container-{:06}", i)}, {"unit", ""}});
        }
    }
    for (auto _ : state) {
        benchmark::DoNotOptimize(prometheus::TextSerializer().Serialize(registry.Collect()).size());
    }
}
BENCHMARK(expose_peer)
    ->Name("exposition/prometheus-cpp")
    ->Arg(1000)
    ->Arg(10'000)
    ->Arg(100'000)
    ->ArgName("series")
    ->Unit(benchmark::kMillisecond);

} // namespace
} // namespace knell::bench

#include "bench/scrape_text.hpp"

#include "agent/base/clock.hpp"
#include "agent/ledger/ledger.hpp"
#include "agent/observer/status.hpp"
#include "exporters/prometheus/collectable.hpp"
#include "exporters/prometheus/text.hpp"

#include <fmt/format.h>
#include <prometheus/counter.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <sstream>

namespace knell::bench {
namespace {

class NoStatus final : public StatusSource {
  public:
    [[nodiscard]] Status status() const override { return {}; }
    [[nodiscard]] bool loop_turns_within(Nanoseconds) const override { return true; }
};

std::string container(std::size_t number) {
    return fmt::format("container-{:06}", number);
}

void tell(Report& report, const std::string& run, const std::string& who, std::size_t series, Nanoseconds time,
          std::size_t bytes) {
    const std::string subject = fmt::format("{}, {} series", who, series);
    report.add(run, subject, "time", "ms", static_cast<double>(time) / 1e6);
    report.add(run, subject, "size", "kB", static_cast<double>(bytes) / 1e3);
}

void time_ours(const std::string& run, std::size_t series, Report& report) {
    Ledger ledger({.max_series = 1U << 20});
    for (std::size_t i = 0; i < series / Workload::kFixedSeries; ++i) {
        Place place;
        place.name_space = "shop";
        place.container = container(i);
        ledger.discover(std::make_shared<const Place>(std::move(place)));
    }
    const NoStatus status;
    const NodeCollectable collectable(ledger, status, {});
    const Instant start = monotonic_now();
    const std::string text =
        to_text([&](const FamilySink& sink) { collectable.for_each_family(sink); }, ledger.series());
    tell(report, run, "knell", series, elapsed(start, monotonic_now()), text.size());
}

// As many labels for each series, in as many families.
void time_theirs(const std::string& run, std::size_t series, Report& report) {
    prometheus::Registry registry;
    std::size_t left = series;
    for (std::size_t family = 0; left > 0; ++family) {
        auto& counters = prometheus::BuildCounter()
                             .Name(fmt::format("knell_family_{}_total", family))
                             .Help("As many as an agent has.")
                             .Register(registry);
        for (std::size_t i = 0; i < series / Workload::kFixedSeries + 1 && left > 0; ++i, --left) {
            counters.Add({{"namespace", "shop"}, {"container", container(i)}, {"unit", ""}, {"reason", "success"}});
        }
    }
    const Instant start = monotonic_now();
    const std::string text = prometheus::TextSerializer().Serialize(registry.Collect());
    tell(report, run, "prometheus-cpp", series, elapsed(start, monotonic_now()), text.size());
}

} // namespace

void time_exposition(const std::string& run, std::size_t series, Report& report) {
    time_ours(run, series, report);
    time_theirs(run, series, report);
}

} // namespace knell::bench

#include "exporters/prometheus/workload_families.hpp"

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace knell {

namespace {

struct LabelledWorkload {
    std::shared_ptr<const Workload> workload;
    MetricLabels labels;
};
using Workloads = std::vector<LabelledWorkload>;

// The labels of each workload are put together once and serve all of its series.
Workloads labelled_workloads(const Ledger& ledger) {
    Workloads workloads;
    for (auto& workload : ledger.workloads()) {
        const Labels& labels = workload->labels();
        MetricLabels metric_labels = {
            {"namespace", labels.name_space}, {"container", labels.container}, {"unit", labels.unit}};
        if (ledger.pod_label()) {
            metric_labels.push_back({"pod", labels.pod});
        }
        workloads.push_back({std::move(workload), std::move(metric_labels)});
    }
    return workloads;
}

constexpr auto kNoExemplar = [](const Workload&, std::size_t) -> const ExemplarCell* { return nullptr; };

// One sample for each workload and each of `names`; `value_of(workload, index of the name)`, and so `exemplar_of`.
template <std::size_t N, typename ValueOf, typename ExemplarOf>
void collect_by_name(const Workloads& workloads, const Family& family, std::string_view label,
                     const std::array<std::string_view, N>& names, const FamilySink& sink, ValueOf value_of,
                     ExemplarOf exemplar_of) {
    FamilyBuilder builder(family, sink);
    for (const LabelledWorkload& entry : workloads) {
        for (std::size_t i = 0; i < N; ++i) {
            builder.add(entry.labels, label, names[i], to_sample(value_of(*entry.workload, i)),
                        {.created = entry.workload->created(), .exemplars = exemplar_of(*entry.workload, i)});
        }
    }
    builder.finish();
}

// One sample for each workload.
template <typename ValueOf>
void collect_each(const Workloads& workloads, const Family& family, const FamilySink& sink, ValueOf value_of) {
    FamilyBuilder builder(family, sink);
    for (const LabelledWorkload& entry : workloads) {
        builder.add(entry.labels, value_of(*entry.workload));
    }
    builder.finish();
}

// One sample for each workload that has seen one.
template <typename HistogramOf>
void collect_histograms(const Workloads& workloads, const Family& family, const FamilySink& sink,
                        HistogramOf histogram_of) {
    FamilyBuilder builder(family, sink);
    for (const LabelledWorkload& entry : workloads) {
        if (const Histogram* histogram = histogram_of(*entry.workload)) {
            builder.add(entry.labels, *histogram);
        }
    }
    builder.finish();
}

// One sample for each workload and key that has occurred; `name_of(key)` is the second label's value.
template <typename CountersOf, typename SignalOf, typename NameOf>
void collect_signals(const Workloads& workloads, const Family& family, std::string_view second_label,
                     const FamilySink& sink, CountersOf counters_of, SignalOf signal_of, NameOf name_of) {
    FamilyBuilder builder(family, sink);
    for (const LabelledWorkload& entry : workloads) {
        counters_of(*entry.workload).for_each([&](const auto& key, std::uint64_t count, Instant created) {
            MetricLabels labels = entry.labels;
            labels.push_back({"signal", std::string(signal_name(signal_of(key)))});
            labels.push_back({std::string(second_label), std::string(name_of(key))});
            builder.add(std::move(labels), to_sample(count), {.created = created});
        });
    }
    builder.finish();
}

void collect_exits(const Workloads& workloads, const FamilySink& sink) {
    collect_by_name(
        workloads, families::kExits, "reason", kReasonNames, sink,
        [](const Workload& workload, std::size_t i) { return workload.exits(static_cast<Reason>(i)); },
        [](const Workload& workload, std::size_t i) { return workload.last_exit(static_cast<Reason>(i)); });
    collect_by_name(
        workloads, families::kExitCodes, "code", kExitCodeNames, sink,
        [](const Workload& workload, std::size_t i) { return workload.exit_codes(i); }, kNoExemplar);
    collect_signals(
        workloads, families::kExitSignals, "core_dumped", sink,
        [](const Workload& workload) -> auto& { return workload.exit_signals(); },
        [](const ExitSignal& exit) { return exit.number; },
        [](const ExitSignal& exit) { return exit.core_dumped ? "true" : "false"; });
    collect_signals(
        workloads, families::kKills, "killer", sink, [](const Workload& workload) -> auto& { return workload.kills(); },
        [](const Kill& kill) { return kill.signal; }, [](const Kill& kill) { return name(kill.killer); });
    collect_by_name(
        workloads, families::kOomKills, "scope", kOomScopeNames, sink,
        [](const Workload& workload, std::size_t i) { return workload.oom_kills(static_cast<OomScope>(i)); },
        [](const Workload& workload, std::size_t i) { return workload.last_oom_kill(static_cast<OomScope>(i)); });
}

void collect_zombies(const Workloads& workloads, Instant now, const FamilySink& sink) {
    collect_each(workloads, families::kZombies, sink,
                 [](const Workload& workload) { return to_sample(workload.zombies().count()); });
    collect_each(workloads, families::kZombieOldest, sink, [now](const Workload& workload) {
        const Instant oldest = workload.zombies().oldest();
        return oldest == 0 ? 0.0 : to_seconds(elapsed(oldest, now));
    });
}

void emit_histogram(const FamilySink& sink, const Family& family, const Histogram& histogram) {
    FamilyBuilder builder(family, sink);
    builder.add({}, histogram);
    builder.finish();
}

} // namespace

void collect_ledger(const Ledger& ledger, Instant now, const FamilySink& sink) {
    const Workloads workloads = labelled_workloads(ledger);
    collect_exits(workloads, sink);
    collect_zombies(workloads, now, sink);
    collect_histograms(workloads, families::kReap, sink, [](const Workload& workload) { return workload.reap(); });
    collect_histograms(workloads, families::kTermination, sink,
                       [](const Workload& workload) { return workload.termination(); });
    emit_histogram(sink, families::kTeardown, ledger.teardown());
    emit_histogram(sink, families::kReaction, ledger.reaction());
    emit_single(sink, families::kSeries, to_sample(ledger.series()));
    emit_single(sink, families::kSeriesOverflow, to_sample(ledger.series_overflow()));
}

} // namespace knell

#include "exporters/prometheus/page/data.hpp"

#include <sys/utsname.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <tuple>
#include <utility>

namespace knell {

namespace {

std::string host_name() {
    utsname names{};
    return ::uname(&names) == 0 ? names.nodename : "";
}

// As the places of deaths are named; what belongs to no cgroup of a name has one here, too.
std::string name_of_workload(const Labels& labels) {
    if (!labels.container.empty()) {
        std::string name = labels.name_space;
        for (const std::string& part : {labels.pod, labels.container}) {
            if (!name.empty() && !part.empty()) {
                name += '/';
            }
            name += part;
        }
        return name;
    }
    if (!labels.unit.empty()) {
        return labels.unit;
    }
    return labels.name_space.empty() ? "no unit or container" : labels.name_space;
}

void add(HistogramSnapshot& sum, const Histogram* histogram) {
    if (histogram == nullptr) {
        return;
    }
    const HistogramSnapshot snapshot = histogram->snapshot();
    for (std::size_t i = 0; i < kBuckets; ++i) {
        sum.counts[i] += snapshot.counts[i];
    }
    sum.sum += snapshot.sum;
}

void add_kills(std::vector<KillCount>& kills, const Workload& workload) {
    std::map<KillerClass, KillCount> by_killer;
    workload.kills().for_each([&by_killer](const Kill& kill, std::uint64_t count, Instant) {
        KillCount& entry = by_killer[kill.killer];
        entry.count += count;
        entry.signals.push_back({kill.signal, count});
    });
    for (auto& [killer, entry] : by_killer) {
        entry.victims = name_of_workload(workload.labels());
        entry.killer = killer;
        std::ranges::sort(entry.signals, std::ranges::greater{}, &KillCount::BySignal::count);
        kills.push_back(std::move(entry));
    }
}

} // namespace

PageData page_data(const Ledger& ledger, Status status, const BuildInfo& build, RecentSnapshot recent) {
    PageData data;
    data.node = host_name();
    data.status = std::move(status);
    data.build = build;
    data.recent = std::move(recent);
    data.now_unix_ns = to_unix_ns(data.recent.now);
    data.series = ledger.series();
    data.series_overflow = ledger.series_overflow();
    add(data.teardown, &ledger.teardown());
    add(data.reaction, &ledger.reaction());
    const auto workloads = ledger.workloads();
    data.workloads = workloads.size();
    for (const auto& workload : workloads) {
        add(data.termination, workload->termination());
        add(data.reap, workload->reap());
        add_kills(data.kills, *workload);
        if (const std::uint64_t count = workload->zombies().count(); count != 0) {
            data.zombies.push_back(
                {name_of_workload(workload->labels()), count, elapsed(workload->zombies().oldest(), data.recent.now)});
        }
    }
    // The largest first (hence ~), equal ones by name: a page that is looked at for minutes must not jump.
    std::ranges::sort(data.kills, {}, [](const KillCount& kill) {
        return std::tuple(~kill.count, std::string_view(kill.victims), kill.killer);
    });
    std::ranges::sort(data.zombies, {}, [](const ZombieCount& zombies) {
        return std::tuple(~zombies.oldest, std::string_view(zombies.workload));
    });
    return data;
}

std::uint64_t last_hour(const RecentSnapshot& recent, Reason reason) {
    std::uint64_t sum = 0;
    for (const ReasonCounts& minute : recent.minutes) {
        sum += minute[static_cast<std::size_t>(reason)];
    }
    return sum;
}

} // namespace knell

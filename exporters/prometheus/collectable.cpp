#include "exporters/prometheus/collectable.hpp"

#include "agent/base/clock.hpp"
#include "exporters/prometheus/agent_families.hpp"
#include "exporters/prometheus/process_families.hpp"
#include "exporters/prometheus/workload_families.hpp"

#include <iterator>
#include <utility>

namespace knell {

NodeCollectable::NodeCollectable(const Ledger& ledger, const StatusSource& status, BuildInfo build)
    : ledger_(ledger), status_(status), build_(std::move(build)) {}

void NodeCollectable::for_each_family(const FamilySink& sink) const {
    collect_ledger(ledger_, monotonic_now(), sink);
    collect_status(status_.status(), sink);
    collect_build(build_, sink);
    collect_process(sink);
}

std::vector<prometheus::MetricFamily> NodeCollectable::Collect() const {
    std::vector<prometheus::MetricFamily> families;
    for_each_family([&families](FamilyBatch&& batch) {
        prometheus::MetricFamily& family = batch.family;
        if (families.empty() || families.back().name != family.name) {
            families.push_back(std::move(family));
            return;
        }
        auto& metrics = families.back().metric;
        metrics.insert(metrics.end(), std::make_move_iterator(family.metric.begin()),
                       std::make_move_iterator(family.metric.end()));
    });
    return families;
}

} // namespace knell

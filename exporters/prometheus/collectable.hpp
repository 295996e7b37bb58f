#pragma once

#include "agent/ledger/ledger.hpp"
#include "agent/observer/status.hpp"
#include "exporters/prometheus/build_info.hpp"
#include "exporters/prometheus/family_builder.hpp"

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <vector>

namespace knell {

// Everything the agent exports, collected at each scrape from what is counted elsewhere. Any thread. The ledger and the
// status source must outlive it.
class NodeCollectable final : public prometheus::Collectable {
  public:
    NodeCollectable(const Ledger& ledger, const StatusSource& status, BuildInfo build);

    // Family after family, large ones in batches.
    void for_each_family(const FamilySink& sink) const;

    // All at once, for those who register it with prometheus-cpp.
    [[nodiscard]] std::vector<prometheus::MetricFamily> Collect() const override;

  private:
    const Ledger& ledger_;
    const StatusSource& status_;
    BuildInfo build_;
};

} // namespace knell

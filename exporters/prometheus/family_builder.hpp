#pragma once

#include "agent/ledger/histogram.hpp"
#include "exporters/prometheus/families.hpp"

#include <prometheus/client_metric.h>
#include <prometheus/metric_family.h>

#include <cstddef>
#include <functional>
#include <string_view>
#include <vector>

namespace knell {

// What OpenMetrics tells of a sample beside its value.
struct Origin {
    Instant created = 0; // 0: with the agent, or not known for what the kernel counts
    // Of a counter one cell, of a histogram one for each bucket; null: none. They outlive the sink's call.
    const ExemplarCell* exemplars = nullptr;
};

struct FamilyBatch {
    prometheus::MetricFamily family;
    Keeper keeper = Keeper::agent;
    std::vector<Origin> origins; // one for each sample of the family
};

// Takes one family after the other. A large one comes in batches, one directly after the other: a scrape of twenty
// thousand series would otherwise need several times the memory of its text for prometheus-cpp's samples.
using FamilySink = std::function<void(FamilyBatch&&)>;

using MetricLabels = std::vector<prometheus::ClientMetric::Label>;

// Samples of one family, on their way to a sink. Label values must be valid UTF-8: Prometheus refuses a whole scrape
// for one that is not.
class FamilyBuilder {
  public:
    // Samples that are in memory at a time.
    static constexpr std::size_t kBatch = 256;

    // `sink` must outlive the builder.
    FamilyBuilder(const Family& family, const FamilySink& sink);

    // Of a counter or gauge.
    void add(MetricLabels labels, double value, Origin origin = {});
    // `labels`, and `name` = `value`.
    void add(const MetricLabels& labels, std::string_view label_name, std::string_view label_value, double value,
             Origin origin = {});
    // Of a histogram.
    void add(MetricLabels labels, const Histogram& histogram);

    // The last batch. A family without samples never reaches the sink: it has nothing to say.
    void finish();

  private:
    prometheus::ClientMetric& new_sample(MetricLabels labels, Origin origin);

    const Family& description_;
    const FamilySink& sink_;
    std::vector<prometheus::ClientMetric> samples_;
    std::vector<Origin> origins_;
};

// A family of a single sample without labels.
void emit_single(const FamilySink& sink, const Family& family, double value);

// Counts are integers; a double holds them exactly up to 2^53.
inline double to_sample(std::uint64_t count) {
    return static_cast<double>(count);
}

} // namespace knell

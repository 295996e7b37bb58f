#include "exporters/prometheus/family_builder.hpp"

#include <limits>
#include <string>
#include <utility>

namespace knell {

FamilyBuilder::FamilyBuilder(const Family& family, const FamilySink& sink) : description_(family), sink_(sink) {}

prometheus::ClientMetric& FamilyBuilder::new_sample(MetricLabels labels, Origin origin) {
    if (samples_.size() == kBatch) {
        finish();
    }
    prometheus::ClientMetric& sample = samples_.emplace_back();
    sample.label = std::move(labels);
    origins_.push_back(origin);
    return sample;
}

void FamilyBuilder::add(MetricLabels labels, double value, Origin origin) {
    prometheus::ClientMetric& sample = new_sample(std::move(labels), origin);
    if (description_.type == prometheus::MetricType::Counter) {
        sample.counter.value = value;
    } else {
        sample.gauge.value = value;
    }
}

void FamilyBuilder::add(const MetricLabels& labels, std::string_view label_name, std::string_view label_value,
                        double value, Origin origin) {
    MetricLabels extended;
    extended.reserve(labels.size() + 1);
    extended = labels;
    extended.push_back({std::string(label_name), std::string(label_value)});
    add(std::move(extended), value, origin);
}

void FamilyBuilder::add(MetricLabels labels, const Histogram& histogram) {
    const Origin origin{.created = histogram.created(), .exemplars = histogram.exemplars().data()};
    prometheus::ClientMetric::Histogram& sample = new_sample(std::move(labels), origin).histogram;
    const HistogramSnapshot snapshot = histogram.snapshot();
    sample.sample_count = snapshot.count();
    sample.sample_sum = to_seconds(snapshot.sum);
    sample.bucket.reserve(kBuckets);
    std::uint64_t cumulative = 0;
    for (std::size_t i = 0; i < kBuckets; ++i) {
        cumulative += snapshot.counts[i];
        const double bound =
            i < kFiniteBuckets ? to_seconds(kBucketBounds[i]) : std::numeric_limits<double>::infinity();
        sample.bucket.push_back({cumulative, bound});
    }
}

void FamilyBuilder::finish() {
    if (samples_.empty()) {
        return;
    }
    sink_({.family = {.name = std::string(description_.name),
                      .help = std::string(description_.help),
                      .type = description_.type,
                      .metric = std::exchange(samples_, {})},
           .keeper = description_.keeper,
           .origins = std::exchange(origins_, {})});
}

void emit_single(const FamilySink& sink, const Family& family, double value) {
    FamilyBuilder builder(family, sink);
    builder.add({}, value);
    builder.finish();
}

} // namespace knell

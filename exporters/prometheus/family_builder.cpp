#include "exporters/prometheus/family_builder.hpp"

#include <limits>
#include <string>
#include <utility>

namespace knell {

FamilyBuilder::FamilyBuilder(const Family& family, const FamilySink& sink) : description_(family), sink_(sink) {}

prometheus::ClientMetric& FamilyBuilder::new_sample(MetricLabels labels) {
    if (samples_.size() == kBatch) {
        finish();
    }
    prometheus::ClientMetric& sample = samples_.emplace_back();
    sample.label = std::move(labels);
    return sample;
}

void FamilyBuilder::add(MetricLabels labels, double value) {
    prometheus::ClientMetric& sample = new_sample(std::move(labels));
    if (description_.type == prometheus::MetricType::Counter) {
        sample.counter.value = value;
    } else {
        sample.gauge.value = value;
    }
}

void FamilyBuilder::add(const MetricLabels& labels, std::string_view label_name, std::string_view label_value,
                        double value) {
    MetricLabels extended;
    extended.reserve(labels.size() + 1);
    extended = labels;
    extended.push_back({std::string(label_name), std::string(label_value)});
    add(std::move(extended), value);
}

void FamilyBuilder::add(MetricLabels labels, const HistogramSnapshot& histogram) {
    prometheus::ClientMetric::Histogram& sample = new_sample(std::move(labels)).histogram;
    sample.sample_count = histogram.count();
    sample.sample_sum = to_seconds(histogram.sum);
    sample.bucket.reserve(kBuckets);
    std::uint64_t cumulative = 0;
    for (std::size_t i = 0; i < kBuckets; ++i) {
        cumulative += histogram.counts[i];
        const double bound =
            i < kFiniteBuckets ? to_seconds(kBucketBounds[i]) : std::numeric_limits<double>::infinity();
        sample.bucket.push_back({cumulative, bound});
    }
}

void FamilyBuilder::finish() {
    if (samples_.empty()) {
        return;
    }
    sink_({.name = std::string(description_.name),
           .help = std::string(description_.help),
           .type = description_.type,
           .metric = std::exchange(samples_, {})});
}

void emit_single(const FamilySink& sink, const Family& family, double value) {
    FamilyBuilder builder(family, sink);
    builder.add({}, value);
    builder.finish();
}

} // namespace knell

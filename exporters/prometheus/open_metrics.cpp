#include "exporters/prometheus/open_metrics.hpp"

#include "agent/base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string_view>

namespace knell {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricType;

constexpr std::string_view kTotal = "_total";

std::string_view type_name(MetricType type) {
    switch (type) {
    case MetricType::Counter:
        return "counter";
    case MetricType::Gauge:
        return "gauge";
    case MetricType::Histogram:
        return "histogram";
    case MetricType::Summary:
    case MetricType::Untyped:
        break;
    }
    return "unknown";
}

// The unit that a name ends with.
std::string_view unit_of(std::string_view name) {
    for (const std::string_view unit : {"seconds", "bytes"}) {
        if (name.ends_with(unit) && name.size() > unit.size() && name[name.size() - unit.size() - 1] == '_') {
            return unit;
        }
    }
    return {};
}

// Of one exposition: the text so far, and what each sample of a batch is written with.
class Writer {
  public:
    Writer(std::string& text, std::optional<Instant> since)
        : text_(text), since_(since), realtime_ahead_(realtime_ahead()) {}

    void batch(const FamilyBatch& batch) {
        const prometheus::MetricFamily& family = batch.family;
        if (family.name != family_) {
            family_ = family.name;
            head(family);
        }
        for (std::size_t i = 0; i < family.metric.size(); ++i) {
            const Instant created = batch.origins[i].created;
            const Instant fallback = batch.keeper == Keeper::agent && since_ ? *since_ : 0;
            sample(family.type, family.metric[i], batch.origins[i].exemplars, created != 0 ? created : fallback);
        }
    }

    void end() { text_ += "# EOF\n"; }

  private:
    void head(const prometheus::MetricFamily& family) {
        name_ = family.name;
        if (family.type == MetricType::Counter && name_.ends_with(kTotal)) {
            name_.resize(name_.size() - kTotal.size());
        }
        fmt::format_to(out(), "# TYPE {} {}\n", name_, type_name(family.type));
        if (const std::string_view unit = unit_of(name_); !unit.empty()) {
            fmt::format_to(out(), "# UNIT {} {}\n", name_, unit);
        }
        fmt::format_to(out(), "# HELP {} ", name_);
        escaped(family.help);
        text_ += '\n';
    }

    void sample(MetricType type, const ClientMetric& metric, const ExemplarCell* exemplars, Instant created) {
        if (type == MetricType::Counter) {
            value(kTotal, metric, metric.counter.value);
            exemplar(exemplars, std::nullopt);
            text_ += '\n';
            birth(metric, created);
        } else if (type == MetricType::Histogram) {
            histogram(metric, exemplars);
            birth(metric, created);
        } else {
            value("", metric, metric.gauge.value);
            text_ += '\n';
        }
    }

    void histogram(const ClientMetric& metric, const ExemplarCell* exemplars) {
        for (const ClientMetric::Bucket& bucket : metric.histogram.bucket) {
            bound_ = std::isinf(bucket.upper_bound) ? "+Inf" : fmt::format("{}", bucket.upper_bound);
            value("_bucket", metric, static_cast<double>(bucket.cumulative_count), bound_);
            if (exemplars != nullptr) {
                exemplar(exemplars++, bucket.upper_bound);
            }
            text_ += '\n';
        }
        value("_count", metric, static_cast<double>(metric.histogram.sample_count));
        text_ += '\n';
        value("_sum", metric, metric.histogram.sample_sum);
        text_ += '\n';
    }

    // Without the end of the line. `bound`: of a bucket.
    void value(std::string_view suffix, const ClientMetric& metric, double value, std::string_view bound = {}) {
        series(suffix, metric, bound);
        fmt::format_to(out(), " {}", value);
    }

    void series(std::string_view suffix, const ClientMetric& metric, std::string_view bound = {}) {
        text_.append(name_).append(suffix);
        char before = '{';
        for (const ClientMetric::Label& label : metric.label) {
            labelled(before, label.name, label.value);
            before = ',';
        }
        if (!bound.empty()) {
            labelled(before, "le", bound);
            before = ',';
        }
        if (before == ',') {
            text_ += '}';
        }
    }

    void labelled(char before, std::string_view name, std::string_view value) {
        text_ += before;
        text_.append(name).append("=\"");
        escaped(value);
        text_ += '"';
    }

    // The three escapes that the format has.
    void escaped(std::string_view value) {
        for (const char c : value) {
            if (c == '\n') {
                text_ += "\\n";
                continue;
            }
            if (c == '"' || c == '\\') {
                text_ += '\\';
            }
            text_ += c;
        }
    }

    // `bound`: of the bucket; a counter has none.
    void exemplar(const ExemplarCell* cell, std::optional<double> bound) {
        const std::optional<Exemplar> last = cell != nullptr ? cell->read() : std::nullopt;
        if (!last) {
            return;
        }
        text_ += " # ";
        labelled('{', "pid", fmt::format_int(last->pid).c_str());
        labelled(',', "comm", to_utf8(last->comm));
        // A counter's counted one. A bucket's may not be above its bound, not by a rounding either.
        fmt::format_to(out(), "}} {}", bound ? std::min(to_seconds(last->value), *bound) : 1.0);
        if (last->time != 0) {
            text_ += ' ';
            time(last->time);
        }
    }

    // When the counts of a sample began.
    void birth(const ClientMetric& metric, Instant created) {
        if (since_ && created != 0) {
            series("_created", metric);
            text_ += ' ';
            time(created);
            text_ += '\n';
        }
    }

    // Unix time in seconds, to the millisecond.
    void time(Instant instant) {
        const std::uint64_t millis = (realtime_ahead_ + instant) / kMillisecond;
        fmt::format_to(out(), "{}.{:03}", millis / 1000, millis % 1000);
    }

    std::back_insert_iterator<std::string> out() { return std::back_inserter(text_); }

    std::string& text_;
    const std::optional<Instant> since_;
    const std::uint64_t realtime_ahead_; // of the monotonic clock, read once for a whole exposition
    std::string family_;                 // whose head was written last
    std::string name_;                   // that family's, as OpenMetrics has it: a counter's without _total
    std::string bound_;
};

} // namespace

std::string to_open_metrics(const std::function<void(const FamilySink&)>& collect, std::size_t expected_series,
                            std::optional<Instant> since) {
    constexpr std::size_t kBytesPerSeries = 256;  // a line with Kubernetes names of usual length, and its creation's
    constexpr std::size_t kNodeFamilies = 32'768; // whatever the number of workloads
    std::string text;
    text.reserve(expected_series * kBytesPerSeries + kNodeFamilies);
    Writer writer(text, since);
    collect([&writer](FamilyBatch&& batch) { writer.batch(batch); });
    writer.end();
    return text;
}

} // namespace knell

#include "exporters/prometheus/page/times.hpp"

#include "agent/base/text.hpp"
#include "exporters/prometheus/page/charts.hpp"

#include <cmath>
#include <string_view>

namespace knell {

namespace {

// The upper bound of the bucket that holds this share of the samples: "at most 4.10ms", or "over 16.8s".
std::string quantile_phrase(const HistogramSnapshot& histogram, double share) {
    const auto rank = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(histogram.count())));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < kFiniteBuckets; ++i) {
        seen += histogram.counts[i];
        if (seen >= rank) {
            return "at most " + format_duration(kBucketBounds[i]);
        }
    }
    return "over " + format_duration(kBucketBounds.back());
}

void render_times_of(Html out, std::string_view title, std::string_view meaning, const HistogramSnapshot& histogram) {
    fmt::format_to(out, "<figure><figcaption><b>{}</b><span class=\"more\">{}</span></figcaption>", title, meaning);
    if (histogram.count() == 0) {
        fmt::format_to(out, "<p class=\"none\">none yet</p></figure>\n");
        return;
    }
    duration_chart(out, histogram);
    constexpr double kMost = 0.99;
    fmt::format_to(out, "<p>{} measured: half {}, 99 % {}</p></figure>\n", format_count(histogram.count()),
                   quantile_phrase(histogram, 0.5), quantile_phrase(histogram, kMost));
}

} // namespace

void render_times(Html out, const PageData& data) {
    fmt::format_to(out, "<section class=\"times\"><h2>How long it took</h2><div id=\"times\" data-live>\n");
    render_times_of(out, "Termination", "asked to stop, to ended", data.termination);
    render_times_of(out, "Teardown", "ended, to its parent told", data.teardown);
    render_times_of(out, "Reaction", "its parent told, to the agent awake", data.reaction);
    render_times_of(out, "Reap", "its parent told, to the zombie collected", data.reap);
    fmt::format_to(out, "</div></section>\n");
}

} // namespace knell

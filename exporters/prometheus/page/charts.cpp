#include "exporters/prometheus/page/charts.hpp"

#include "agent/base/text.hpp"

#include <algorithm>
#include <array>

namespace knell {

namespace {

// A count that is not zero is seen, however small its share.
double height_of(std::uint64_t count, std::uint64_t most, double full, double least) {
    if (count == 0) {
        return 0;
    }
    return std::max(least, full * static_cast<double>(count) / static_cast<double>(most));
}

void bar(Html out, double x, double width, double bottom, double height, std::string_view title) {
    fmt::format_to(out, R"(<rect x="{:g}" y="{:.4g}" width="{:g}" height="{:.4g}"><title>{}</title></rect>)", x,
                   bottom - height, width, height, title);
}

std::string bucket_phrase(std::size_t bucket) {
    if (bucket == kFiniteBuckets) {
        return "over " + format_duration(kBucketBounds.back());
    }
    const std::string to = format_duration(kBucketBounds[bucket]);
    return bucket == 0 ? "up to " + to : format_duration(kBucketBounds[bucket - 1]) + " to " + to;
}

} // namespace

void minutes_chart(Html out, const PageData& data, Reason reason) {
    constexpr double kHeight = 20;
    constexpr double kLeast = 2;
    constexpr double kWidth = 0.8; // of a minute
    const MinuteCounts::Series& minutes = data.recent.minutes;
    const auto count_of = [reason](const ReasonCounts& counts) { return counts[static_cast<std::size_t>(reason)]; };
    const std::uint64_t most = count_of(std::ranges::max(minutes, {}, count_of));
    const Instant this_minute = data.recent.now - data.recent.now % MinuteCounts::kMinute;
    const std::uint64_t seen = data.recent.now / MinuteCounts::kMinute - data.recent.start / MinuteCounts::kMinute + 1;
    const std::uint64_t first_seen = MinuteCounts::kMinutes - std::min<std::uint64_t>(seen, MinuteCounts::kMinutes);
    fmt::format_to(out,
                   R"(<svg class="minutes" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" )"
                   R"(aria-label="{} in the last hour: {} a minute at most">)",
                   MinuteCounts::kMinutes, kHeight + 1, name(reason), format_count(most));
    fmt::format_to(out, R"(<rect class="axis" x="{}" y="{:g}" width="{}" height="1"/>)", first_seen, kHeight,
                   MinuteCounts::kMinutes - first_seen);
    for (std::size_t i = 0; i < MinuteCounts::kMinutes; ++i) {
        if (const std::uint64_t count = count_of(minutes[i]); count != 0) {
            const Instant begin = this_minute - (MinuteCounts::kMinutes - 1 - i) * MinuteCounts::kMinute;
            bar(out, static_cast<double>(i), kWidth, kHeight, height_of(count, most, kHeight, kLeast),
                fmt::format("{} from {}", format_count(count), format_time(data.unix_time(begin), data.now_unix_ns)));
        }
    }
    fmt::format_to(out, "</svg>");
}

void duration_chart(Html out, const HistogramSnapshot& histogram) {
    constexpr double kStep = 20; // from bucket to bucket
    constexpr double kBar = 17;
    constexpr double kHeight = 60;
    constexpr double kLeast = 2;
    constexpr double kLabels = 14; // room below the axis
    struct Tick {
        std::size_t bucket; // at whose upper bound it stands
        std::string_view text;
    };
    // The bounds are powers of four: 1.02 ms and 1.05 s are told as what they stand for.
    constexpr std::array<Tick, 4> kTicks = {{{0, "1us"}, {5, "1ms"}, {10, "1s"}, {12, "17s"}}};
    const std::uint64_t most = std::ranges::max(histogram.counts);
    fmt::format_to(
        out, R"(<svg class="durations" viewBox="0 0 {:g} {:g}" role="img" aria-label="{} measured, by duration">)",
        kStep * kBuckets, kHeight + kLabels, format_count(histogram.count()));
    fmt::format_to(out, R"(<rect class="axis" x="0" y="{:g}" width="{:g}" height="1"/>)", kHeight, kStep * kBuckets);
    for (std::size_t i = 0; i < kBuckets; ++i) {
        if (const std::uint64_t count = histogram.counts[i]; count != 0) {
            bar(out, kStep * static_cast<double>(i) + (kStep - kBar) / 2, kBar, kHeight,
                height_of(count, most, kHeight, kLeast), fmt::format("{}: {}", bucket_phrase(i), format_count(count)));
        }
    }
    for (const Tick& tick : kTicks) {
        fmt::format_to(out, R"(<text x="{:g}" y="{:g}">{}</text>)", kStep * static_cast<double>(tick.bucket + 1),
                       kHeight + kLabels - 2, tick.text);
    }
    fmt::format_to(out, "</svg>");
}

void share_chart(Html out, std::uint64_t part, std::uint64_t whole) {
    constexpr double kHundred = 100;
    const double share = whole == 0 ? 0 : kHundred * static_cast<double>(part) / static_cast<double>(whole);
    fmt::format_to(out,
                   R"(<svg class="share" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">)"
                   R"(<rect class="axis" width="100" height="1"/><rect width="{:.4g}" height="1"/></svg>)",
                   std::min(share, kHundred));
}

} // namespace knell

#include "exporters/prometheus/page/counts.hpp"

#include "agent/base/text.hpp"
#include "exporters/prometheus/page/charts.hpp"
#include "exporters/prometheus/page/severity_class.hpp"

#include <array>
#include <numeric>
#include <span>

namespace knell {

namespace {

std::uint64_t since_start(const RecentSnapshot& recent, Reason reason) {
    return recent.exits[static_cast<std::size_t>(reason)];
}

struct Figure {
    std::string_view title;
    std::string value;
    Severity severity = Severity::low;
    std::string more;
};

void render_figure(Html out, const Figure& figure) {
    fmt::format_to(out, R"(<div><dt>{}</dt><dd><b class="{}">{}</b><span class="more">{}</span></dd></div>)",
                   figure.title, css_class(figure.severity), figure.value, figure.more);
}

// Deaths of some reasons in the last hour.
Figure count_figure(std::string_view title, const RecentSnapshot& recent, std::span<const Reason> reasons,
                    Severity severity) {
    std::uint64_t hour = 0;
    std::uint64_t all = 0;
    for (const Reason reason : reasons) {
        hour += last_hour(recent, reason);
        all += since_start(recent, reason);
    }
    return {title, format_count(hour), hour == 0 ? Severity::none : severity,
            fmt::format("in the last hour; {} since start", format_count(all))};
}

// The reasons of this severity but OOM kills, which have a figure of their own.
std::vector<Reason> others_of(Severity wanted) {
    std::vector<Reason> reasons;
    for (std::size_t i = 0; i < kReasonCount; ++i) {
        const auto reason = static_cast<Reason>(i);
        if (severity(reason) == wanted && reason != Reason::oom_kill) {
            reasons.push_back(reason);
        }
    }
    return reasons;
}

Figure oom_figure(const RecentSnapshot& recent) {
    Figure figure = count_figure("OOM kills", recent, std::array{Reason::oom_kill}, Severity::high);
    if (const std::uint64_t count = recent.oom_kills[static_cast<std::size_t>(OomScope::system)]; count != 0) {
        figure.more += fmt::format(", {} for want of the machine's memory", format_count(count));
    }
    return figure;
}

Figure zombie_figure(const PageData& data) {
    const std::uint64_t count =
        std::accumulate(data.zombies.begin(), data.zombies.end(), std::uint64_t{0},
                        [](std::uint64_t sum, const ZombieCount& zombies) { return sum + zombies.count; });
    return {"Zombies now", format_count(count), count == 0 ? Severity::none : Severity::medium,
            count == 0 ? "none waits for its parent"
                       : "the oldest for " + format_duration(data.zombies.front().oldest)};
}

} // namespace

void render_figures(Html out, const PageData& data) {
    const RecentSnapshot& recent = data.recent;
    std::array<Reason, kReasonCount> all{};
    for (std::size_t i = 0; i < all.size(); ++i) {
        all[i] = static_cast<Reason>(i);
    }
    fmt::format_to(out, "<dl id=\"figures\" data-live>");
    render_figure(out, count_figure("Deaths", recent, all, Severity::low));
    render_figure(out, oom_figure(recent));
    render_figure(out, count_figure("Crashes", recent, others_of(Severity::high), Severity::high));
    render_figure(out, count_figure("Other kills", recent, others_of(Severity::medium), Severity::medium));
    render_figure(out, zombie_figure(data));
    fmt::format_to(out, "</dl>\n");
}

void render_reasons(Html out, const PageData& data) {
    fmt::format_to(out,
                   "<section class=\"reasons\"><h2>Deaths by reason <span>each row to its own scale</span></h2>"
                   "<table><thead><tr><th>reason</th><th><span>60 min ago</span><span>now</span></th>"
                   "<th class=\"number\">hour</th><th class=\"number\">since {}</th></tr></thead>"
                   "<tbody id=\"reasons\" data-live>\n",
                   format_time(data.unix_time(data.recent.start), data.now_unix_ns));
    for (std::size_t i = 0; i < kReasonCount; ++i) {
        const auto reason = static_cast<Reason>(i);
        const std::uint64_t all = since_start(data.recent, reason);
        fmt::format_to(out, R"(<tr class="{}"><th scope="row">{}</th><td class="chart">)",
                       all == 0 ? "never" : css_class(severity(reason)), name(reason));
        minutes_chart(out, data, reason);
        fmt::format_to(out, "</td><td class=\"number\">{}</td><td class=\"number\">{}</td></tr>\n",
                       format_count(last_hour(data.recent, reason)), format_count(all));
    }
    fmt::format_to(out, "</tbody></table></section>\n");
}

} // namespace knell

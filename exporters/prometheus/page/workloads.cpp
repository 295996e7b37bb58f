#include "exporters/prometheus/page/workloads.hpp"

#include "agent/base/text.hpp"
#include "exporters/prometheus/page/charts.hpp"
#include "exporters/prometheus/page/tone.hpp"

#include <algorithm>
#include <initializer_list>
#include <numeric>
#include <span>

namespace knell {

namespace {

// Rows that a person reads at a glance; what is left out is said.
constexpr std::size_t kRows = 12;

std::uint64_t since_start(const RecentSnapshot& recent, Reason reason) {
    return recent.exits[static_cast<std::size_t>(reason)];
}

struct Figure {
    std::string_view title;
    std::string value;
    Tone tone = Tone::plain;
    std::string more;
};

void render_figure(Html out, const Figure& figure) {
    fmt::format_to(out, R"(<div><dt>{}</dt><dd><b class="{}">{}</b><span class="more">{}</span></dd></div>)",
                   figure.title, css_class(figure.tone), figure.value, figure.more);
}

// Deaths of some reasons in the last hour.
Figure count_figure(std::string_view title, const RecentSnapshot& recent, std::span<const Reason> reasons, Tone tone) {
    std::uint64_t hour = 0;
    std::uint64_t all = 0;
    for (const Reason reason : reasons) {
        hour += last_hour(recent, reason);
        all += since_start(recent, reason);
    }
    return {title, format_count(hour), hour == 0 ? Tone::calm : tone,
            fmt::format("in the last hour; {} since start", format_count(all))};
}

Figure oom_figure(const RecentSnapshot& recent) {
    Figure figure = count_figure("OOM kills", recent, std::array{Reason::oom_kill}, Tone::bad);
    if (const std::uint64_t count = recent.oom_kills[static_cast<std::size_t>(OomScope::system)]; count != 0) {
        figure.more += fmt::format(", {} for want of the machine's memory", format_count(count));
    }
    return figure;
}

Figure zombie_figure(const PageData& data) {
    const std::uint64_t count =
        std::accumulate(data.zombies.begin(), data.zombies.end(), std::uint64_t{0},
                        [](std::uint64_t sum, const ZombieCount& zombies) { return sum + zombies.count; });
    return {"Zombies now", format_count(count), count == 0 ? Tone::calm : Tone::warn,
            count == 0 ? "none waits for its parent"
                       : "the oldest for " + format_duration(data.zombies.front().oldest)};
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

void left_out(Html out, std::size_t rows, std::size_t columns) {
    if (rows > kRows) {
        fmt::format_to(out, R"(<tr><td class="none" colspan="{}">and {} more</td></tr>)", columns,
                       format_count(rows - kRows));
    }
}

std::string signals_phrase(const KillCount& kill) {
    std::string text;
    for (const KillCount::BySignal& signal : kill.signals) {
        text += fmt::format("{}{}", text.empty() ? "" : ", ", signal_name(signal.signal));
        if (kill.signals.size() > 1) {
            text += "&nbsp;" + format_count(signal.count);
        }
    }
    return text;
}

} // namespace

void render_figures(Html out, const PageData& data) {
    const RecentSnapshot& recent = data.recent;
    std::array<Reason, kReasonCount> all{};
    for (std::size_t i = 0; i < all.size(); ++i) {
        all[i] = static_cast<Reason>(i);
    }
    fmt::format_to(out, "<dl id=\"figures\" data-live>");
    render_figure(out, count_figure("Deaths", recent, all, Tone::plain));
    render_figure(out, oom_figure(recent));
    render_figure(out, count_figure("Crashes", recent, std::array{Reason::crash, Reason::seccomp}, Tone::bad));
    render_figure(
        out, count_figure("Other kills", recent,
                          std::array{Reason::signal, Reason::cgroup_kill, Reason::pidns_teardown, Reason::parent_death},
                          Tone::warn));
    render_figure(out, zombie_figure(data));
    fmt::format_to(out, "</dl>\n");
}

void render_reasons(Html out, const PageData& data) {
    fmt::format_to(out,
                   "<section class=\"reasons\"><h2>Deaths by reason <span>each row to its own scale</span></h2>"
                   "<table><thead><tr><th>reason</th><th>last 60 minutes</th><th class=\"number\">hour</th>"
                   "<th class=\"number\">since {}</th></tr></thead><tbody id=\"reasons\" data-live>\n",
                   format_time(data.unix_time(data.recent.start), data.now_unix_ns));
    for (std::size_t i = 0; i < kReasonCount; ++i) {
        const auto reason = static_cast<Reason>(i);
        const std::uint64_t all = since_start(data.recent, reason);
        fmt::format_to(out, R"(<tr class="{}"><th scope="row">{}</th><td class="chart">)",
                       all == 0 ? "never" : css_class(tone_of(reason)), name(reason));
        minutes_chart(out, data, reason);
        fmt::format_to(out, "</td><td class=\"number\">{}</td><td class=\"number\">{}</td></tr>\n",
                       format_count(last_hour(data.recent, reason)), format_count(all));
    }
    fmt::format_to(out, "</tbody></table></section>\n");
}

void render_kills(Html out, const PageData& data) {
    fmt::format_to(out,
                   "<section class=\"kills\"><h2>Who kills whom <span>since each workload was first seen</span></h2>"
                   "<table><thead><tr><th>who died</th><th>killed by</th><td></td><th class=\"number\">times</th>"
                   "</tr></thead><tbody id=\"kills\" data-live>\n");
    for (const KillCount& kill : std::span(data.kills).first(std::min(kRows, data.kills.size()))) {
        fmt::format_to(out, "<tr><td>{}</td><td>{} <span class=\"more\">{}</span></td><td class=\"chart\">",
                       to_html(kill.victims), name(kill.killer), signals_phrase(kill));
        share_chart(out, kill.count, data.kills.front().count);
        fmt::format_to(out, "</td><td class=\"number\">{}</td></tr>\n", format_count(kill.count));
    }
    left_out(out, data.kills.size(), 4);
    if (data.kills.empty()) {
        fmt::format_to(out, R"(<tr><td class="none" colspan="4">no death by a signal</td></tr>)");
    }
    fmt::format_to(out, "</tbody></table></section>\n");
}

void render_times(Html out, const PageData& data) {
    fmt::format_to(out, "<section class=\"times\"><h2>How long it took</h2><div id=\"times\" data-live>\n");
    render_times_of(out, "Termination", "asked to stop, to ended", data.termination);
    render_times_of(out, "Teardown", "ended, to its parent told", data.teardown);
    render_times_of(out, "Reaction", "its parent told, to the agent awake", data.reaction);
    render_times_of(out, "Reap", "its parent told, to the zombie collected", data.reap);
    fmt::format_to(out, "</div></section>\n");
}

void render_zombies(Html out, const PageData& data) {
    fmt::format_to(out, "<section class=\"zombies\"><h2>Zombies</h2><table><thead><tr><th>whose</th>"
                        "<th class=\"number\">zombies</th><th class=\"number\">oldest</th></tr></thead>"
                        "<tbody id=\"zombies\" data-live>\n");
    for (const ZombieCount& zombies : std::span(data.zombies).first(std::min(kRows, data.zombies.size()))) {
        fmt::format_to(out, "<tr><td>{}</td><td class=\"number\">{}</td><td class=\"number\">{}</td></tr>\n",
                       to_html(zombies.workload), format_count(zombies.count), format_duration(zombies.oldest));
    }
    left_out(out, data.zombies.size(), 3);
    if (data.zombies.empty()) {
        fmt::format_to(out, R"(<tr><td class="none" colspan="3">none of the watched processes</td></tr>)");
    }
    fmt::format_to(out, "</tbody></table></section>\n");
}

} // namespace knell

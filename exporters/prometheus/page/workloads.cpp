#include "exporters/prometheus/page/workloads.hpp"

#include "agent/base/text.hpp"
#include "exporters/prometheus/page/charts.hpp"

#include <algorithm>
#include <span>

namespace knell {

namespace {

// Rows that a person reads at a glance; what is left out is said.
constexpr std::size_t kRows = 12;

void left_out(Html out, std::size_t rows, std::size_t columns) {
    if (rows > kRows) {
        fmt::format_to(out, R"(<tr><td class="none" colspan="{}">and {} more</td></tr>)", columns,
                       format_count(rows - kRows));
    }
}

// "SIGKILL", or "SIGKILL 12, SIGTERM 3"; of many only the most frequent.
std::string signals_phrase(const KillCount& kill) {
    constexpr std::size_t kSignals = 3;
    if (kill.signals.size() == 1) {
        return std::string(signal_name(kill.signals.front().signal));
    }
    std::string text;
    for (const KillCount::BySignal& signal : std::span(kill.signals).first(std::min(kSignals, kill.signals.size()))) {
        text += fmt::format("{}{}&nbsp;{}", text.empty() ? "" : ", ", signal_name(signal.signal),
                            format_count(signal.count));
    }
    return kill.signals.size() > kSignals ? text + ", &hellip;" : text;
}

} // namespace

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

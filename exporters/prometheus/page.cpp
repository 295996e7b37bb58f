#include "exporters/prometheus/page.hpp"

#include "agent/base/text.hpp"

#include <fmt/format.h>

#include <iterator>
#include <string_view>
#include <utility>

namespace knell {

namespace {

constexpr std::string_view kHead = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>knell</title>
<style>
:root { color-scheme: light dark; --line: #d0d7de; --soft: #57606a; --good: #1a7f37; --bad: #cf222e; }
@media (prefers-color-scheme: dark) { :root { --line: #3d444d; --soft: #9198a1; --good: #3fb950; --bad: #f85149; } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: 0; }
h2 { font-size: 1.1rem; margin-top: 2rem; }
p { margin: .3rem 0; }
.soft { color: var(--soft); }
.good { color: var(--good); }
.bad { color: var(--bad); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .2rem 1.2rem .2rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td.number { text-align: right; }
code { font-family: ui-monospace, monospace; font-size: .92em; }
</style>
</head>
<body>
)";

using Html = std::back_insert_iterator<std::string>;

void open_table(Html out, std::initializer_list<std::string_view> columns) {
    fmt::format_to(out, "<div class=\"scroll\"><table>\n<tr>");
    for (const std::string_view column : columns) {
        fmt::format_to(out, "<th>{}</th>", column);
    }
    fmt::format_to(out, "</tr>\n");
}

void close_table(Html out) {
    fmt::format_to(out, "</table></div>\n");
}

void number_row(Html out, std::string_view name, std::uint64_t value) {
    fmt::format_to(out, "<tr><td>{}</td><td class=\"number\">{}</td></tr>\n", name, value);
}

void render_state(Html out, const PageData& data) {
    fmt::format_to(out, "<h1>knell</h1>\n<p class=\"soft\">why every process on this node died, who killed it, and how "
                        "long it took anyone to notice</p>\n");
    fmt::format_to(out, "<p>{}{}</p>\n",
                   data.status.ready ? "<strong class=\"good\">ready</strong>"
                                     : "<strong class=\"bad\">starting: programs are being attached or processes are "
                                       "being scanned</strong>",
                   data.status.bpf ? "" : "; <strong class=\"bad\">without BPF: causes are guesses</strong>");
    fmt::format_to(out, "<p><a href=\"/metrics\">/metrics</a> for Prometheus, <a href=\"/healthz\">/healthz</a>, <a "
                        "href=\"/readyz\">/readyz</a></p>\n");
    if (!data.status.config_reload_ok) {
        fmt::format_to(out, "<p class=\"bad\">the last reload of the configuration failed; the one before it is in "
                            "force, the log says what is wrong</p>\n");
    }
}

void render_reasons(Html out, const PageData& data) {
    fmt::format_to(out, "<h2>Exits by reason</h2>\n");
    open_table(out, {"reason", "exits"});
    for (std::size_t i = 0; i < kReasonCount; ++i) {
        number_row(out, kReasonNames[i], data.exits[i]);
    }
    close_table(out);
    fmt::format_to(out, "<p class=\"soft\">{} workloads in {} series", data.workloads, data.series);
    if (data.series_overflow != 0) {
        fmt::format_to(out, "; {} times there was no room within metrics.max_series (namespace {})",
                       data.series_overflow, kOverflowNamespace);
    }
    fmt::format_to(out, "</p>\n");
    const KernelCounts& kernel = data.status.kernel;
    if (data.status.bpf) {
        fmt::format_to(out,
                       "<p class=\"soft\">The kernel side saw {} exits: {} were delivered, {} counted without their "
                       "details, {} not accounted for.</p>\n",
                       kernel.exits_seen, kernel.exits_delivered, kernel.exits_spilled, kernel.exits_unaccounted);
    }
}

void render_watch(Html out, const Status& status) {
    fmt::format_to(out, "<h2>Watch pool</h2>\n");
    open_table(out, {"state", "processes"});
    for (std::size_t i = 0; i < kWatchStateNames.size(); ++i) {
        number_row(out, kWatchStateNames[i], status.watches[i]);
    }
    number_row(out, "capacity", status.watch_capacity);
    for (std::size_t i = 0; i < kWatchRefusalNames.size(); ++i) {
        if (status.watch_refused[i] != 0) {
            number_row(out, fmt::format("refused: {}", kWatchRefusalNames[i]), status.watch_refused[i]);
        }
    }
    close_table(out);
}

void render_features(Html out, const Status& status) {
    fmt::format_to(out, "<h2>Features</h2>\n");
    open_table(out, {"feature", "hook", "not in use, because", "what would help"});
    for (const Feature& feature : status.features) {
        fmt::format_to(out, "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n", to_html(feature.name),
                       feature.on() ? fmt::format("<code>{}</code>", to_html(feature.hook))
                                    : std::string("<span class=\"bad\">off</span>"),
                       to_html(feature.why_not), to_html(feature.remedy));
    }
    close_table(out);
}

// The most telling name of a place.
std::string where(const ProcessIdentity& process) {
    if (process.place == nullptr) {
        return "";
    }
    const Place& place = *process.place;
    if (!place.container.empty()) {
        return to_html(place.name_space.empty() ? place.container : place.name_space + "/" + place.container);
    }
    return to_html(place.unit.empty() ? place.cgroup : place.unit);
}

std::string reason_of(const Exit& exit) {
    std::string text(name(exit.reason));
    if (exit.signal != 0) {
        text += fmt::format(" ({}{})", signal_name(exit.signal), exit.core_dumped ? ", core dumped" : "");
    } else if (exit.exit_code && *exit.exit_code != 0) {
        text += fmt::format(" ({})", *exit.exit_code);
    }
    return text;
}

std::string killer_of(const Exit& exit) {
    if (!exit.killer) {
        return "";
    }
    const Killer& killer = *exit.killer;
    if (!killer.pid) {
        return std::string(name(killer.kind));
    }
    return fmt::format("{}: {} ({})", name(killer.kind), to_html(killer.comm), *killer.pid);
}

void render_deaths(Html out, const PageData& data) {
    fmt::format_to(out, "<h2>Latest deaths</h2>\n");
    if (data.latest.empty()) {
        fmt::format_to(out, "<p class=\"soft\">none yet</p>\n");
        return;
    }
    open_table(out, {"time", "pid", "command", "where", "reason", "killer", "lifetime"});
    for (const Exit& exit : data.latest) {
        const std::uint64_t unix_ns = data.now_unix_ns - elapsed(exit.time, data.now);
        const std::string lifetime =
            exit.process.start != 0 ? format_duration(elapsed(exit.process.start, exit.time)) : "";
        fmt::format_to(out,
                       "<tr><td>{}</td><td class=\"number\">{}</td><td><code>{}</code></td><td>{}</td><td>{}</td>"
                       "<td>{}</td><td class=\"number\">{}</td></tr>\n",
                       exit.time != 0 ? format_rfc3339(unix_ns) : "", exit.process.pid, to_html(exit.process.comm),
                       where(exit.process), reason_of(exit), killer_of(exit), lifetime);
    }
    close_table(out);
}

void render_foot(Html out, const PageData& data) {
    fmt::format_to(out,
                   "<p class=\"soft\">knell {} ({}), libbpf {}, liburing {}, event loop {}</p>\n</body>\n</html>\n",
                   to_html(data.build.version), to_html(data.build.revision), to_html(data.build.libbpf),
                   to_html(data.build.liburing), to_html(data.status.loop_backend));
}

} // namespace

std::string to_html(std::string_view text) {
    std::string html;
    for (const char c : to_terminal(text)) {
        switch (c) {
        case '&':
            html += "&amp;";
            break;
        case '<':
            html += "&lt;";
            break;
        case '>':
            html += "&gt;";
            break;
        case '"':
            html += "&quot;";
            break;
        case '\'':
            html += "&#39;";
            break;
        default:
            html += c;
        }
    }
    return html;
}

PageData page_data(const Ledger& ledger, Status status, const BuildInfo& build, std::vector<Exit> latest) {
    PageData data;
    data.status = std::move(status);
    data.build = build;
    data.latest = std::move(latest);
    data.series = ledger.series();
    data.series_overflow = ledger.series_overflow();
    const auto workloads = ledger.workloads();
    data.workloads = workloads.size();
    for (const auto& workload : workloads) {
        for (std::size_t i = 0; i < kReasonCount; ++i) {
            data.exits[i] += workload->exits(static_cast<Reason>(i));
        }
    }
    data.now = monotonic_now();
    data.now_unix_ns = to_unix_ns(data.now);
    return data;
}

std::string render_page(const PageData& data) {
    std::string html(kHead);
    const Html out(html);
    render_state(out, data);
    render_deaths(out, data);
    render_reasons(out, data);
    render_watch(out, data.status);
    render_features(out, data.status);
    render_foot(out, data);
    return html;
}

} // namespace knell

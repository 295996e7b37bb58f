#include "exporters/prometheus/page/deaths.hpp"

#include "agent/base/text.hpp"
#include "exporters/prometheus/page/severity_class.hpp"
#include "exporters/wording/wording.hpp"

namespace knell {

namespace {

constexpr std::size_t kPlaceWidth = 64; // characters: two lines on a phone
constexpr std::size_t kMilliseconds = 3;

void time_cell(Html out, const Exit& exit, const PageData& data) {
    const std::uint64_t unix_ns = data.unix_time(exit.time);
    fmt::format_to(out, R"(<td class="time"><time datetime="{}">{}</time>)", format_rfc3339(unix_ns),
                   format_time(unix_ns, data.now_unix_ns, kMilliseconds));
    if (exit.process.start != 0) {
        fmt::format_to(out, R"(<span class="more">lived {}</span>)",
                       format_duration(elapsed(exit.process.start, exit.time)));
    }
    fmt::format_to(out, "</td>");
}

void process_cell(Html out, const Exit& exit) {
    if (exit.spilled != 0) {
        fmt::format_to(out, "<td><b>{} process{}</b>", format_count(exit.spilled), exit.spilled == 1 ? "" : "es");
    } else {
        fmt::format_to(out, R"(<td><b class="name">{}</b> <span class="pid">{}</span>)", to_html(exit.process.comm),
                       exit.process.pid);
    }
    fmt::format_to(out, R"(<span class="more">{}</span></td>)",
                   to_html(place_phrase(exit.process.place.get(), kPlaceWidth)));
}

void cause_cell(Html out, const Exit& exit) {
    const std::string_view reason = name(exit.reason);
    fmt::format_to(out, R"(<td><b class="{}">{}</b>{})", css_class(severity(exit.reason)), reason,
                   to_html(reason_phrase(exit).substr(reason.size())));
    std::string more = exit.killer ? "by " + killer_phrase(exit) : "";
    if (exit.since_stop_request) {
        more += fmt::format("{}{} after the stop request", more.empty() ? "" : ", ",
                            format_duration(*exit.since_stop_request));
    }
    fmt::format_to(out, R"(<span class="more">{}</span></td>)", to_html(more));
}

} // namespace

void render_deaths(Html out, const PageData& data, const std::vector<Exit>& deaths, std::string_view id,
                   std::string_view title) {
    fmt::format_to(out,
                   R"(<section class="deaths {0}"><h2 id="{0}-title">{1}</h2>)"
                   R"(<div class="scroll" tabindex="0" role="region" aria-labelledby="{0}-title"><table>)"
                   R"(<thead><tr><th>time, UTC</th><th>process</th><th>why</th></tr></thead>)"
                   R"(<tbody id="{0}" data-live>)",
                   id, title);
    for (const Exit& exit : deaths) {
        fmt::format_to(out, R"(<tr data-key="{}-{}">)", exit.process.pid, exit.time);
        time_cell(out, exit, data);
        process_cell(out, exit);
        cause_cell(out, exit);
        fmt::format_to(out, "</tr>\n");
    }
    if (deaths.empty()) {
        fmt::format_to(out, R"(<tr><td class="none" colspan="3">none since {}</td></tr>)",
                       format_time(data.unix_time(data.recent.start), data.now_unix_ns));
    }
    fmt::format_to(out, "</tbody></table></div></section>\n");
}

} // namespace knell

#include "exporters/prometheus/page/agent.hpp"

#include "agent/base/text.hpp"
#include "exporters/prometheus/page/charts.hpp"
#include "exporters/prometheus/page/concerns.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace knell {

namespace {

// All exits that the kernel side saw are in one of three counts. They are read one after the other while processes
// die: for an instant the sum may differ.
void render_books(Html out, const KernelCounts& kernel) {
    const std::uint64_t sum = kernel.exits_delivered + kernel.exits_spilled + kernel.exits_unaccounted;
    const bool equal = sum == kernel.exits_seen;
    fmt::format_to(out,
                   "<p class=\"books\"><span><b>{}</b> exits seen</span> <span>{} <b>{}</b> delivered</span> <span>+ "
                   "<b>{}</b> spilled</span> <span>+ <b>{}</b> unaccounted</span></p>\n",
                   format_count(kernel.exits_seen), equal ? "=" : "&ne;", format_count(kernel.exits_delivered),
                   format_count(kernel.exits_spilled), format_count(kernel.exits_unaccounted));
    if (!equal) {
        fmt::format_to(out, "<p class=\"more\">counted while processes die: {} apart for now</p>\n",
                       format_count(sum > kernel.exits_seen ? sum - kernel.exits_seen : kernel.exits_seen - sum));
    }
}

void fill_row(Html out, std::string_view what, std::uint64_t part, std::uint64_t whole, std::string_view words) {
    fmt::format_to(out, "<tr><th scope=\"row\">{}</th><td class=\"chart\">", what);
    share_chart(out, part, whole);
    fmt::format_to(out, "</td><td>{}</td></tr>\n", words);
}

void text_row(Html out, std::string_view what, std::string_view words) {
    fmt::format_to(out, "<tr><th scope=\"row\">{}</th><td colspan=\"2\">{}</td></tr>\n", what, words);
}

std::string of_phrase(std::uint64_t part, std::uint64_t whole) {
    return fmt::format("{} of {}", format_count(part), format_count(whole));
}

// "3 filtered, 2 gone", of those that are not zero; else "none".
template <std::size_t N>
std::string counts_phrase(const std::array<std::string_view, N>& names, const std::array<std::uint64_t, N>& counts) {
    std::string text;
    for (std::size_t i = 0; i < N; ++i) {
        if (counts[i] != 0) {
            text += fmt::format("{}{} {}", text.empty() ? "" : ", ", format_count(counts[i]), names[i]);
        }
    }
    return text.empty() ? "none" : text;
}

void render_watches(Html out, const Status& status) {
    std::uint64_t watches = 0;
    for (const std::uint64_t count : status.watches) {
        watches += count;
    }
    fill_row(out, "watches", watches, status.watch_capacity,
             fmt::format("{}: {}", of_phrase(watches, status.watch_capacity),
                         counts_phrase(kWatchStateNames, status.watches)));
    text_row(out, "not watched", counts_phrase(kWatchRefusalNames, status.watch_refused));
}

void render_tables(Html out, const Status& status) {
    for (const TableFill& table : status.tables) {
        fill_row(out, table.table, table.entries, table.capacity, of_phrase(table.entries, table.capacity));
    }
}

void render_kernel_side(Html out, const Status& status) {
    fill_row(out, "ring", status.ring_bytes, status.ring_capacity_bytes,
             fmt::format("{} of {} wait", format_bytes(status.ring_bytes), format_bytes(status.ring_capacity_bytes)));
    std::uint64_t memory = 0;
    for (const MapMemory& map : status.maps) {
        memory += map.bytes;
    }
    text_row(out, "BPF maps", fmt::format("{} of kernel memory", format_bytes(memory)));
    text_row(out, "seen besides",
             fmt::format("{} forks, {} execs", format_count(status.kernel.forks), format_count(status.kernel.execs)));
}

} // namespace

void render_verdict(Html out, const PageData& data) {
    const std::vector<Concern> found = concerns(data);
    fmt::format_to(out, "<div id=\"verdict\" data-live>");
    if (found.empty()) {
        fmt::format_to(out, "<p class=\"verdict good\"><b>ready</b>: everything is observed, every exit is accounted "
                            "for</p>");
    } else {
        const Severity worst = found.front().severity;
        fmt::format_to(out, "<ul class=\"verdict {}\">", css_class(worst));
        for (const Concern& concern : found) {
            fmt::format_to(out, "<li class=\"{}\">{}</li>", css_class(concern.severity), to_html(concern.text));
        }
        fmt::format_to(out, "</ul>");
    }
    fmt::format_to(out, "</div>\n");
}

void render_health(Html out, const PageData& data) {
    const Status& status = data.status;
    fmt::format_to(out, "<section class=\"health\"><h2>Agent</h2><div id=\"health\" data-live>\n");
    if (status.bpf) {
        render_books(out, status.kernel);
    }
    fmt::format_to(out, "<table><tbody>\n");
    if (status.bpf) {
        render_kernel_side(out, status);
    }
    render_watches(out, status);
    render_tables(out, status);
    text_row(out, "without a place", counts_phrase(kUnattributedNames, status.unattributed));
    text_row(out, "without a name", counts_phrase(kNameMissNames, status.unnamed));
    text_row(out, "workloads", fmt::format("{} in {} series", format_count(data.workloads), format_count(data.series)));
    text_row(out, "event loop",
             fmt::format("{}, {} turns", to_html(status.loop_backend), format_count(status.loop_turns)));
    fmt::format_to(out, "</tbody></table></div></section>\n");
}

void render_features(Html out, const PageData& data) {
    const std::vector<Feature>& features = data.status.features;
    const auto on = std::ranges::count_if(features, &Feature::on);
    fmt::format_to(
        out,
        "<details class=\"features\"{}><summary><h2>Features</h2> <span id=\"features-on\" data-live>{} of {} "
        "on</span></summary><div class=\"scroll\"><table><thead><tr><th>feature</th><th>hook</th>"
        "<th>what is not in use, and why</th><th>what would help</th></tr></thead>"
        "<tbody id=\"features\" data-live>\n",
        std::cmp_equal(on, features.size()) ? "" : " open", on, features.size());
    for (const Feature& feature : features) {
        fmt::format_to(out, "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td></tr>\n",
                       to_html(feature.name),
                       feature.on() ? fmt::format("<code>{}</code>", to_html(feature.hook))
                                    : std::string("<b class=\"warn\">off</b>"),
                       to_html(feature.why_not), to_html(feature.remedy));
    }
    fmt::format_to(out, "</tbody></table></div></details>\n");
}

} // namespace knell

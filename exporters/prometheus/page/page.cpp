#include "exporters/prometheus/page/page.hpp"

#include "agent/base/text.hpp"
#include "exporters/prometheus/page/agent.hpp"
#include "exporters/prometheus/page/counts.hpp"
#include "exporters/prometheus/page/deaths.hpp"
#include "exporters/prometheus/page/html.hpp"
#include "exporters/prometheus/page/times.hpp"
#include "exporters/prometheus/page/workloads.hpp"

namespace knell {

namespace {

// Addresses are relative: the page works behind a proxy's prefix, too. Without script it comes anew by itself.
void render_head(Html out, const PageData& data) {
    constexpr std::size_t kDay = std::string_view("2026-01-31").size();
    fmt::format_to(out,
                   R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>knell on {0}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="page.css">
<script src="page.js" defer></script>
<noscript><meta http-equiv="refresh" content="30"></noscript>
</head>
<body>
<header>
<h1>knell <span>on {0}</span></h1>
<p>why every process on this node died, who killed it, and how long it took anyone to notice</p>
<p class="state"><span id="as-of" data-live>{1} {2} UTC</span> <span id="state" role="status"></span>
<button id="pause" type="button" aria-pressed="false" hidden>pause</button></p>
</header>
<main>
)",
                   to_html(data.node), format_rfc3339(data.now_unix_ns).substr(0, kDay),
                   format_time(data.now_unix_ns, data.now_unix_ns));
}

void render_foot(Html out, const BuildInfo& build) {
    fmt::format_to(out,
                   R"(</main>
<footer><a href="metrics">/metrics</a> for Prometheus, <a href="healthz">/healthz</a>, <a href="readyz">/readyz</a>.
knell {} ({}), libbpf {}, liburing {}</footer>
</body>
</html>
)",
                   to_html(build.version), to_html(build.revision), to_html(build.libbpf), to_html(build.liburing));
}

} // namespace

std::string render_page(const PageData& data) {
    std::string html;
    const Html out(html);
    render_head(out, data);
    render_verdict(out, data);
    render_figures(out, data);
    render_reasons(out, data);
    render_deaths(out, data, data.recent.abnormal, "abnormal", "Latest kills and crashes");
    render_kills(out, data);
    render_times(out, data);
    render_deaths(out, data, data.recent.latest, "latest", "Latest deaths of all kinds");
    render_zombies(out, data);
    render_health(out, data);
    render_features(out, data);
    render_foot(out, data.build);
    return html;
}

} // namespace knell

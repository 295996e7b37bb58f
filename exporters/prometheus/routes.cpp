#include "exporters/prometheus/routes.hpp"

#include "exporters/prometheus/collectable.hpp"
#include "exporters/prometheus/exposition_format.hpp"
#include "exporters/prometheus/open_metrics.hpp"
#include "exporters/prometheus/page/page.hpp"
#include "exporters/prometheus/text.hpp"

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace knell {

namespace {

constexpr Nanoseconds kLoopPatience = 5 * kSecond;
constexpr unsigned kUnavailable = 503;

// `since`: what counters without an age of their own have; without it no age is told.
HttpResponse metrics(const NodeCollectable& collectable, const Ledger& ledger, std::optional<Instant> since,
                     const std::string& accept) {
    const auto collect = [&collectable](const FamilySink& sink) { collectable.for_each_family(sink); };
    const ExpositionFormat& format = negotiate(accept);
    std::string text =
        format.open_metrics ? to_open_metrics(collect, ledger.series(), since) : to_text(collect, ledger.series());
    return {.content_type = std::string(format.content_type), .body = std::move(text)};
}

// While the loop is stuck, this holds the HTTP thread for the whole patience, and a scrape waits behind it: by then the
// scrape's answer is the smaller problem.
HttpResponse health(const StatusSource& source) {
    if (source.loop_turns_within(kLoopPatience)) {
        return {.body = "ok\n"};
    }
    return {.status = kUnavailable,
            .body = "the event loop did not turn within 5 s: it is stuck or gets no CPU time; /proc/PID/stack and "
                    "/proc/PID/schedstat of the agent tell which\n"};
}

HttpResponse readiness(const Status& status) {
    if (status.ready) {
        return {.body = "ok\n"};
    }
    std::string text = "not ready: programs are being attached or processes are being scanned\n";
    for (const Feature& feature : status.features) {
        if (!feature.on()) {
            text += fmt::format("off: {}: {}\n", feature.name, feature.why_not);
        }
    }
    return {.status = kUnavailable, .body = std::move(text)};
}

} // namespace

Routes make_routes(const Ledger& ledger, const StatusSource& status, const RecentDeaths& recent,
                   const RouteOptions& options) {
    const auto collectable = std::make_shared<const NodeCollectable>(ledger, status, options.build);
    const auto since = options.created_timestamps ? std::optional(monotonic_now()) : std::nullopt;
    Routes routes;
    routes["/metrics"] = [collectable, &ledger, since](const HttpRequest& request) {
        return metrics(*collectable, ledger, since, request.accept);
    };
    routes["/healthz"] = [&status](const HttpRequest&) { return health(status); };
    routes["/readyz"] = [&status](const HttpRequest&) { return readiness(status.status()); };
    routes["/"] = [&ledger, &status, &recent, build = options.build](const HttpRequest&) {
        return HttpResponse{.content_type = "text/html; charset=utf-8",
                            .body = render_page(page_data(ledger, status.status(), build, recent.snapshot()))};
    };
    routes["/page.css"] = [](const HttpRequest&) {
        return HttpResponse{.content_type = "text/css; charset=utf-8", .body = std::string(kPageStyle)};
    };
    routes["/page.js"] = [](const HttpRequest&) {
        return HttpResponse{.content_type = "text/javascript; charset=utf-8", .body = std::string(kPageScript)};
    };
    return routes;
}

} // namespace knell

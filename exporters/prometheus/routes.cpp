#include "exporters/prometheus/routes.hpp"

#include "exporters/prometheus/collectable.hpp"
#include "exporters/prometheus/page/page.hpp"
#include "exporters/prometheus/text.hpp"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>

namespace knell {

namespace {

constexpr Nanoseconds kLoopPatience = 5 * kSecond;
constexpr unsigned kUnavailable = 503;

HttpResponse metrics(const NodeCollectable& collectable, const Ledger& ledger) {
    std::string text =
        to_text([&collectable](const FamilySink& sink) { collectable.for_each_family(sink); }, ledger.series());
    return {.content_type = std::string(kTextContentType), .body = std::move(text)};
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
                   const BuildInfo& build) {
    const auto collectable = std::make_shared<const NodeCollectable>(ledger, status, build);
    Routes routes;
    routes["/metrics"] = [collectable, &ledger] { return metrics(*collectable, ledger); };
    routes["/healthz"] = [&status] { return health(status); };
    routes["/readyz"] = [&status] { return readiness(status.status()); };
    routes["/"] = [&ledger, &status, &recent, build] {
        return HttpResponse{.content_type = "text/html; charset=utf-8",
                            .body = render_page(page_data(ledger, status.status(), build, recent.snapshot()))};
    };
    routes["/page.css"] = [] {
        return HttpResponse{.content_type = "text/css; charset=utf-8", .body = std::string(kPageStyle)};
    };
    routes["/page.js"] = [] {
        return HttpResponse{.content_type = "text/javascript; charset=utf-8", .body = std::string(kPageScript)};
    };
    return routes;
}

} // namespace knell

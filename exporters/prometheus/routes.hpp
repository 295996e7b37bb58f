#pragma once

#include "agent/ledger/ledger.hpp"
#include "agent/observer/status.hpp"
#include "exporters/prometheus/build_info.hpp"
#include "exporters/prometheus/http_server.hpp"
#include "exporters/prometheus/recent.hpp"

namespace knell {

struct RouteOptions {
    BuildInfo build{};
    bool created_timestamps = true; // in OpenMetrics
};

// What the agent answers over HTTP: /metrics (OpenMetrics to who asks for it), /healthz (the loop turned within 5 s),
// /readyz (programs attached, first scan done) and / for a person, with its style and script. The arguments but
// `options` must outlive the routes.
Routes make_routes(const Ledger& ledger, const StatusSource& status, const RecentDeaths& recent,
                   const RouteOptions& options);

} // namespace knell

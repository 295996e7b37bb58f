#pragma once

#include "agent/ledger/ledger.hpp"
#include "agent/observer/status.hpp"
#include "exporters/prometheus/build_info.hpp"
#include "exporters/prometheus/http_server.hpp"
#include "exporters/prometheus/recent.hpp"

namespace knell {

// What the agent answers over HTTP: /metrics, /healthz (the loop turned within 5 s), /readyz (programs attached, first
// scan done) and / for a person, with its style and script. The arguments but `build` must outlive the routes.
Routes make_routes(const Ledger& ledger, const StatusSource& status, const RecentDeaths& recent,
                   const BuildInfo& build);

} // namespace knell

#pragma once

#include "agent/base/clock.hpp"
#include "agent/event/event.hpp"
#include "agent/ledger/ledger.hpp"
#include "agent/observer/status.hpp"
#include "exporters/prometheus/build_info.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace knell {

// What the landing page shows.
struct PageData {
    Status status;
    BuildInfo build;
    std::array<std::uint64_t, kReasonCount> exits{}; // of all workloads
    std::size_t workloads = 0;
    std::uint64_t series = 0;
    std::uint64_t series_overflow = 0;
    std::vector<Exit> latest; // the latest first
    // One instant on both clocks: Unix time of a death is this pair's distance from it.
    Instant now = 0;
    std::uint64_t now_unix_ns = 0;
};

// Reads both clocks and the ledger's totals.
PageData page_data(const Ledger& ledger, Status status, const BuildInfo& build, std::vector<Exit> latest);

// A self-contained HTML page for a person: no script, nothing loaded from elsewhere. Whatever a process could name is
// escaped.
std::string render_page(const PageData& data);

// Text for HTML: control and bidirectional characters become visible, markup is escaped.
std::string to_html(std::string_view text);

} // namespace knell

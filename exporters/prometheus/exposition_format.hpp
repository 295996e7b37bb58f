#pragma once

#include <string_view>

namespace knell {

// A format of /metrics.
struct ExpositionFormat {
    // Prometheus 3 refuses a scrape whose Content-Type does not name the format's version.
    std::string_view content_type;
    bool open_metrics = false;
};

// What a client with this Accept header (RFC 9110, 12.5.1) likes best: OpenMetrics only where it is asked for by name,
// as every Prometheus since 2.5 does, else the text format 0.0.4; that, too, to who accepts neither, because monitoring
// that gets something it may read is better than a refusal.
const ExpositionFormat& negotiate(std::string_view accept);

} // namespace knell

#include "exporters/prometheus/exposition_format.hpp"

#include <gtest/gtest.h>

#include <string>

namespace knell {
namespace {

struct Negotiation {
    const char* accept;
    const char* version; // of what is answered
};

class Accept : public ::testing::TestWithParam<Negotiation> {};

TEST_P(Accept, GetsWhatItLikesBest) {
    const ExpositionFormat& format = negotiate(GetParam().accept);
    const std::string version = std::string("version=") + GetParam().version + ";";
    EXPECT_NE(format.content_type.find(version), std::string_view::npos) << format.content_type;
    EXPECT_EQ(format.open_metrics, format.content_type.starts_with("application/openmetrics-text; "));
}

INSTANTIATE_TEST_SUITE_P(
    Clients, Accept,
    ::testing::Values(
        Negotiation{"", "0.0.4"}, Negotiation{"*/*", "0.0.4"},
        // Prometheus 2.42, 2.49, 3.0, and one that is told to prefer the text format.
        Negotiation{"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
                    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                    "1.0.0"},
        Negotiation{"application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,"
                    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
                    "1.0.0"},
        Negotiation{"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
                    "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;"
                    "q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
                    "1.0.0"},
        Negotiation{"text/plain;version=0.0.4;q=0.5,application/openmetrics-text;version=1.0.0;q=0.4", "0.0.4"},
        Negotiation{"application/openmetrics-text; version=0.0.1", "0.0.1"},
        Negotiation{"Application/OpenMetrics-Text", "1.0.0"},
        Negotiation{"application/openmetrics-text;version=2.0.0,text/plain;q=0.1", "0.0.4"},
        Negotiation{"application/openmetrics-text;q=0", "0.0.4"},
        Negotiation{"application/openmetrics-text;q=often", "0.0.4"},
        Negotiation{"application/openmetrics-text;q=nan", "0.0.4"},
        // A browser, and one that can read neither.
        Negotiation{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "0.0.4"},
        Negotiation{"application/json", "0.0.4"}, Negotiation{";;=,,\t ,q=", "0.0.4"}));

} // namespace
} // namespace knell

#include "exporters/prometheus/open_metrics.hpp"
#include "tests/unit/ledger/samples.hpp"
#include "tests/unit/prometheus/fixtures.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace knell {
namespace {

// Everything at once, with names that a hostile cgroup could have.
void fill(Ledger& ledger) {
    for (const char* container : {"web", "quote\"", "line\nbreak", "back\\slash", "\xC3\xA9\xF0\x9F\x92\x80", ""}) {
        const auto place = container_place("shop", container);
        ledger.on_event(exit_of(place, 1));
        Exit killed = death_by(place, SIGKILL, KillerClass::kernel);
        killed.oom_scope = OomScope::memcg;
        killed.teardown = 1;
        killed.reaction = 2;
        killed.since_stop_request = 3;
        killed.process.pid = 4'194'304;
        killed.process.comm = container;
        killed.time = monotonic_now();
        ledger.on_event(killed);
        ledger.on_event(reap_of(place, 4));
    }
}

// Whether a shell command succeeds.
bool succeeds(const char* command) {
    // NOLINTNEXTLINE(cert-env33-c): constant commands
    return std::system(command) == 0;
}

class Parsers : public ::testing::Test {
  protected:
    Parsers() {
        fill(ledger_);
        status_.value = full_status();
    }

    // Feeds `text` to a shell command, which must succeed and have nothing to say.
    static void expect_accepted(const std::string& text, const std::string& command) {
        const std::string report = ::testing::TempDir() + "knell_parser_report." + std::to_string(::getpid());
        FILE* parser = ::popen((command + " >" + report + " 2>&1").c_str(), "w");
        ASSERT_NE(parser, nullptr);
        ASSERT_EQ(std::fwrite(text.data(), 1, text.size(), parser), text.size());
        const int wait_status = ::pclose(parser);
        std::string complaints;
        if (FILE* file = std::fopen(report.c_str(), "r")) {
            std::array<char, 4096> buffer{};
            complaints.assign(buffer.data(), std::fread(buffer.data(), 1, buffer.size(), file));
            std::fclose(file);
        }
        std::remove(report.c_str());
        EXPECT_TRUE(WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0) << complaints << "\n" << text;
        EXPECT_EQ(complaints, "");
    }

    Ledger ledger_{{.max_series = Ledger::kMinSeries + 150}};
    FixedStatus status_;
};

// Prometheus' own parser and its naming rules.
TEST_F(Parsers, PromtoolAcceptsTheText) {
    if (!succeeds("promtool --version >/dev/null 2>&1")) {
        GTEST_SKIP() << "promtool is not installed (package prometheus)";
    }
    expect_accepted(text_of(ledger_, status_), "promtool check metrics");
}

// Debian's python3, which has Debian's modules. The strictest parser that there is: names, units, order, exemplars,
// creation times.
TEST_F(Parsers, PrometheusClientAcceptsOpenMetrics) {
    if (!succeeds("/usr/bin/python3 -c 'import prometheus_client' 2>/dev/null")) {
        GTEST_SKIP() << "there is no package python3-prometheus-client";
    }
    const NodeCollectable collectable(ledger_, status_, kTestBuild);
    const std::string text = to_open_metrics([&](const FamilySink& sink) { collectable.for_each_family(sink); }, 0,
                                             std::optional(monotonic_now()));
    expect_accepted(text, "/usr/bin/python3 -c 'import sys; from prometheus_client.openmetrics.parser import "
                          "text_string_to_metric_families as parse; list(parse(sys.stdin.read()))'");
}

} // namespace
} // namespace knell

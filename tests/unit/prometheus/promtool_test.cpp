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
        ledger.on_event(killed);
        ledger.on_event(reap_of(place, 4));
    }
}

// Prometheus' own parser and its naming rules.
TEST(Promtool, AcceptsTheExposition) {
    if (std::system("promtool --version >/dev/null 2>&1") != 0) { // NOLINT(cert-env33-c): a constant command
        GTEST_SKIP() << "promtool is not installed (package prometheus)";
    }
    Ledger ledger({.max_series = Ledger::kMinSeries + 150});
    fill(ledger);
    FixedStatus status;
    status.value = full_status();
    const std::string text = text_of(ledger, status);

    const std::string report = ::testing::TempDir() + "knell_promtool_report." + std::to_string(::getpid());
    FILE* promtool = ::popen(("promtool check metrics >" + report + " 2>&1").c_str(), "w");
    ASSERT_NE(promtool, nullptr);
    ASSERT_EQ(std::fwrite(text.data(), 1, text.size(), promtool), text.size());
    const int wait_status = ::pclose(promtool);
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

} // namespace
} // namespace knell

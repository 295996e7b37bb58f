#include "exporters/prometheus/open_metrics.hpp"

#include "agent/base/clock.hpp"
#include "exporters/prometheus/workload_families.hpp"
#include "tests/unit/ledger/samples.hpp"
#include "tests/unit/prometheus/fixtures.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <regex>
#include <set>
#include <sstream>

namespace knell {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

std::string ledger_text(const Ledger& ledger, std::optional<Instant> since = std::nullopt) {
    return to_open_metrics([&](const FamilySink& sink) { collect_ledger(ledger, 0, sink); }, 0, since);
}

// The lines that begin with it.
std::string lines_of(const std::string& text, const std::string& start) {
    std::istringstream lines(text);
    std::string found;
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with(start)) {
            found += line + "\n";
        }
    }
    return found;
}

TEST(OpenMetrics, ACounterIsAFamilyWithoutTotal) {
    const Ledger ledger({});
    EXPECT_EQ(lines_of(ledger_text(ledger), "# TYPE knell_oom"), "# TYPE knell_oom_kills counter\n");
    EXPECT_EQ(lines_of(ledger_text(ledger), "# HELP knell_oom"),
              "# HELP knell_oom_kills Processes that the OOM killer ended, by what had run out of memory.\n");
    EXPECT_THAT(ledger_text(ledger),
                HasSubstr("\nknell_oom_kills_total{namespace=\"\",container=\"\",unit=\"\",scope=\"memcg\"} 0\n"));
}

TEST(OpenMetrics, NamesEndInTheirUnit) {
    const Ledger ledger({});
    FixedStatus status;
    status.value = full_status();
    const NodeCollectable collectable(ledger, status, kTestBuild);
    const std::string text =
        to_open_metrics([&](const FamilySink& sink) { collectable.for_each_family(sink); }, 0, std::nullopt);
    EXPECT_THAT(text, HasSubstr("\n# UNIT knell_exit_teardown_seconds seconds\n"));
    EXPECT_THAT(text, HasSubstr("\n# UNIT process_cpu_seconds seconds\n"));
    EXPECT_THAT(text, HasSubstr("\n# UNIT knell_ring_bytes bytes\n"));
    EXPECT_THAT(text, Not(HasSubstr("# UNIT knell_zombies ")));
}

TEST(OpenMetrics, TheLastOfItsKindIsTheExemplar) {
    Ledger ledger({});
    Exit exit = death_by(unit_place("a.service"), SIGSEGV, KillerClass::self);
    exit.reason = Reason::crash;
    exit.process.pid = 4711;
    exit.process.comm = "wor\"k\xff\n";
    exit.time = monotonic_now();
    exit.teardown = 3 * kMicrosecond;
    ledger.on_event(exit);
    const std::string text = ledger_text(ledger);
    const std::string who = R"( # \{pid="4711",comm="wor\\"k\xEF\xBF\xBD\\n"\} )";
    const std::string time = R"( 1[0-9]{9}\.[0-9]{3}\n)";
    EXPECT_TRUE(std::regex_match(
        lines_of(text, R"(knell_process_exits_total{namespace="",container="",unit="a.service",reason="crash"})"),
        std::regex(R"(knell_process_exits_total\{.*\} 1)" + who + "1" + time)))
        << text;
    EXPECT_TRUE(std::regex_match(lines_of(text, R"(knell_exit_teardown_seconds_bucket{le="4e-06"})"),
                                 std::regex(R"(knell_exit_teardown_seconds_bucket\{.*\} 1)" + who + "3e-06" + time)))
        << text;
    // Only the bucket that it fell into.
    EXPECT_EQ(lines_of(text, R"(knell_exit_teardown_seconds_bucket{le="+Inf"})"),
              "knell_exit_teardown_seconds_bucket{le=\"+Inf\"} 1\n");
}

TEST(OpenMetrics, TellsWhenCountsBeganIfItIsWanted) {
    Ledger ledger({});
    const Instant now = monotonic_now();
    Exit exit = death_by(unit_place("a.service"), SIGKILL, KillerClass::host);
    exit.time = now - 100 * kSecond;
    ledger.on_event(exit);
    EXPECT_THAT(ledger_text(ledger), Not(HasSubstr("_created")));

    const std::string text = ledger_text(ledger, now);
    const auto age = [&](const std::string& series) {
        const std::string line = lines_of(text, series + " ");
        EXPECT_NE(line, "") << series << text;
        return to_seconds(to_unix_ns(now)) - std::stod(line.substr(line.rfind(' ')));
    };
    EXPECT_NEAR(age(R"(knell_process_exits_created{namespace="",container="",unit="a.service",reason="crash"})"), 0,
                10);
    EXPECT_NEAR(
        age(R"(knell_process_kills_created{namespace="",container="",unit="a.service",signal="SIGKILL",killer="host"})"),
        100, 10);
    EXPECT_NEAR(age("knell_exit_teardown_seconds_created"), 0, 10);
    EXPECT_NEAR(age("knell_series_overflow_created"), 0, 10);
}

TEST(OpenMetrics, WhatTheKernelCountsHasNoKnownBeginning) {
    const Ledger ledger({});
    FixedStatus status;
    status.value = full_status();
    const NodeCollectable collectable(ledger, status, kTestBuild);
    const std::string text =
        to_open_metrics([&](const FamilySink& sink) { collectable.for_each_family(sink); }, 0, monotonic_now());
    EXPECT_THAT(text, HasSubstr("\nknell_exits_seen_total 12\n"));
    EXPECT_THAT(text, Not(HasSubstr("\nknell_exits_seen_created ")));
    EXPECT_THAT(text, HasSubstr("\nknell_event_loop_turns_created "));
}

// Whether a server asks for the one or the other: its series stay the same.
TEST(OpenMetrics, HasTheSamplesOfTheTextFormat) {
    Ledger ledger({});
    FixedStatus status;
    status.value = full_status();
    for (int i = 0; i < 60; ++i) { // more than one batch
        const auto place = container_place("quo\"te", "line\nbreak\\" + std::to_string(i));
        Exit exit = death_by(place, SIGKILL, KillerClass::kernel);
        exit.since_stop_request = 5 * kMillisecond;
        exit.reaction = 70 * kSecond;
        ledger.on_event(exit);
        ledger.on_event(reap_of(place, kSecond));
    }
    // Without what changes from one collection to the next: the agent's own process.
    const auto samples = [](const std::string& text) {
        std::istringstream lines(text);
        std::multiset<std::string> found;
        for (std::string line; std::getline(lines, line);) {
            if (!line.starts_with('#') && !line.starts_with("process_")) {
                found.insert(line.substr(0, line.find(" # ")));
            }
        }
        return found;
    };
    const NodeCollectable collectable(ledger, status, kTestBuild);
    const auto collect = [&](const FamilySink& sink) { collectable.for_each_family(sink); };
    EXPECT_EQ(samples(to_open_metrics(collect, 0, std::nullopt)), samples(to_text(collect, 0)));
}

} // namespace
} // namespace knell

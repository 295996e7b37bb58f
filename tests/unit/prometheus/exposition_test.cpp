#include "exporters/prometheus/agent_families.hpp"
#include "exporters/prometheus/workload_families.hpp"
#include "tests/unit/ledger/samples.hpp"
#include "tests/unit/prometheus/fixtures.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <set>
#include <sstream>

namespace knell {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// The sample lines of one family (for a histogram, of all its parts), without the rest.
std::string samples_of(const std::string& text, const std::string& family) {
    std::istringstream lines(text);
    std::string samples;
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with(family) && line.find_first_of("{ _", family.size()) == family.size()) {
            samples += line + "\n";
        }
    }
    return samples;
}

std::string ledger_text(const Ledger& ledger, Instant now = 0) {
    return to_text([&](const FamilySink& sink) { collect_ledger(ledger, now, sink); }, 0);
}

std::string status_text(const Status& status) {
    return to_text([&](const FamilySink& sink) { collect_status(status, sink); }, 0);
}

TEST(Exposition, AFreshLedgerShowsItsZerosAndNothingElse) {
    const Ledger ledger({});
    const std::string expected = R"(# HELP knell_process_exits_total Processes that ended, by why.
# TYPE knell_process_exits_total counter
knell_process_exits_total{namespace="",container="",unit="",reason="oom_kill"} 0
knell_process_exits_total{namespace="",container="",unit="",reason="seccomp"} 0
knell_process_exits_total{namespace="",container="",unit="",reason="pidns_teardown"} 0
knell_process_exits_total{namespace="",container="",unit="",reason="cgroup_kill"} 0
knell_process_exits_total{namespace="",container="",unit="",reason="parent_death"} 0
knell_process_exits_total{namespace="",container="",unit="",reason="crash"} 0
knell_process_exits_total{namespace="",container="",unit="",reason="signal"} 0
knell_process_exits_total{namespace="",container="",unit="",reason="error"} 0
knell_process_exits_total{namespace="",container="",unit="",reason="success"} 0
knell_process_exits_total{namespace="",container="",unit="",reason="unknown"} 0
# HELP knell_process_exit_codes_total Processes that ended by themselves, by exit code.
# TYPE knell_process_exit_codes_total counter
knell_process_exit_codes_total{namespace="",container="",unit="",code="0"} 0
knell_process_exit_codes_total{namespace="",container="",unit="",code="1"} 0
knell_process_exit_codes_total{namespace="",container="",unit="",code="2"} 0
knell_process_exit_codes_total{namespace="",container="",unit="",code="126"} 0
knell_process_exit_codes_total{namespace="",container="",unit="",code="127"} 0
knell_process_exit_codes_total{namespace="",container="",unit="",code="other"} 0
# HELP knell_oom_kills_total Processes that the OOM killer ended, by what had run out of memory.
# TYPE knell_oom_kills_total counter
knell_oom_kills_total{namespace="",container="",unit="",scope="memcg"} 0
knell_oom_kills_total{namespace="",container="",unit="",scope="system"} 0
knell_oom_kills_total{namespace="",container="",unit="",scope="unknown"} 0
# HELP knell_zombies Watched processes that ended and are not collected yet.
# TYPE knell_zombies gauge
knell_zombies{namespace="",container="",unit=""} 0
# HELP knell_zombie_oldest_seconds Age of the oldest watched zombie in seconds, 0 when there is none.
# TYPE knell_zombie_oldest_seconds gauge
knell_zombie_oldest_seconds{namespace="",container="",unit=""} 0
)";
    EXPECT_THAT(ledger_text(ledger), ::testing::StartsWith(expected));
    EXPECT_THAT(ledger_text(ledger), HasSubstr("\nknell_series 21\n"));
}

TEST(Exposition, DeathsBySignalNameSignalCoreAndKiller) {
    Ledger ledger({});
    const auto place = container_place("shop", "web");
    Exit crash = death_by(place, SIGSEGV, KillerClass::self);
    crash.core_dumped = true;
    ledger.on_event(crash);
    ledger.on_event(death_by(place, SIGKILL, KillerClass::container_runtime));
    const std::string text = ledger_text(ledger);
    EXPECT_EQ(
        samples_of(text, "knell_process_exit_signals_total"),
        R"(knell_process_exit_signals_total{namespace="shop",container="web",unit="",signal="SIGKILL",core_dumped="false"} 1
knell_process_exit_signals_total{namespace="shop",container="web",unit="",signal="SIGSEGV",core_dumped="true"} 1
)");
    EXPECT_EQ(
        samples_of(text, "knell_process_kills_total"),
        R"(knell_process_kills_total{namespace="shop",container="web",unit="",signal="SIGKILL",killer="container_runtime"} 1
knell_process_kills_total{namespace="shop",container="web",unit="",signal="SIGSEGV",killer="self"} 1
)");
}

TEST(Exposition, HistogramsHaveBoundsInSecondsAndCumulativeCounts) {
    Ledger ledger({});
    const auto place = unit_place("nginx.service");
    ledger.on_event(reap_of(place, 4 * kMicrosecond));
    ledger.on_event(reap_of(place, 5 * kMicrosecond));
    ledger.on_event(reap_of(place, 20 * kSecond));
    const std::string text = ledger_text(ledger);
    EXPECT_EQ(samples_of(text, "knell_exit_reap_seconds"),
              R"(knell_exit_reap_seconds_count{namespace="",container="",unit="nginx.service"} 3
knell_exit_reap_seconds_sum{namespace="",container="",unit="nginx.service"} 20.000009
knell_exit_reap_seconds_bucket{namespace="",container="",unit="nginx.service",le="1e-06"} 0
knell_exit_reap_seconds_bucket{namespace="",container="",unit="nginx.service",le="4e-06"} 1
knell_exit_reap_seconds_bucket{namespace="",container="",unit="nginx.service",le="1.6e-05"} 2
knell_exit_reap_seconds_bucket{namespace="",container="",unit="nginx.service",le="6.4e-05"} 2
knell_exit_reap_seconds_bucket{namespace="",container="",unit="nginx.service",le="0.000256"} 2
knell_exit_reap_seconds_bucket{namespace="",container="",unit="nginx.service",le="0.001024"} 2
knell_exit_reap_seconds_bucket{namespace="",container="",unit="nginx.service",le="0.004096"} 2
knell_exit_reap_seconds_bucket{namespace="",container="",unit="nginx.service",le="0.016384"} 2
knell_exit_reap_seconds_bucket{namespace="",container="",unit="nginx.service",le="0.065536"} 2
knell_exit_reap_seconds_bucket{namespace="",container="",unit="nginx.service",le="0.262144"} 2
knell_exit_reap_seconds_bucket{namespace="",container="",unit="nginx.service",le="1.048576"} 2
knell_exit_reap_seconds_bucket{namespace="",container="",unit="nginx.service",le="4.194304"} 2
knell_exit_reap_seconds_bucket{namespace="",container="",unit="nginx.service",le="16.777216"} 2
knell_exit_reap_seconds_bucket{namespace="",container="",unit="nginx.service",le="+Inf"} 3
)");
    EXPECT_THAT(text, Not(HasSubstr("knell_termination_seconds"))); // nobody was asked to stop
}

TEST(Exposition, ZombiesHaveANumberAndAnAge) {
    Ledger ledger({});
    ZombieNode zombie;
    ledger.workload(unit_place("bad.service")).zombies().add(zombie, 10 * kSecond);
    const std::string text = ledger_text(ledger, 12'500 * kMillisecond);
    EXPECT_THAT(text, HasSubstr("knell_zombies{namespace=\"\",container=\"\",unit=\"bad.service\"} 1\n"));
    EXPECT_THAT(text,
                HasSubstr("knell_zombie_oldest_seconds{namespace=\"\",container=\"\",unit=\"bad.service\"} 2.5\n"));
    ZombieList::remove(zombie);
}

TEST(Exposition, ThePodIsALabelWhenAskedFor) {
    Ledger ledger({.pod_label = true});
    ledger.discover(container_place("shop", "web", "web-7"));
    EXPECT_THAT(ledger_text(ledger),
                HasSubstr(R"(knell_zombies{namespace="shop",container="web",unit="",pod="web-7"} 0)"));
}

TEST(Exposition, LabelValuesCannotLeaveTheirQuotes) {
    Ledger ledger({});
    ledger.discover(container_place("a\"} 1\nevil_total 1", "back\\slash"));
    EXPECT_THAT(ledger_text(ledger),
                HasSubstr(R"(knell_zombies{namespace="a\"} 1\nevil_total 1",container="back\\slash",unit=""} 0)"));
}

TEST(Exposition, TheStatusInFull) {
    const std::string text = status_text(full_status());
    for (const char* line : {
             "knell_processes_forked_total 20",
             "knell_processes_execed_total 15",
             "knell_exits_seen_total 12",
             "knell_exits_delivered_total 11",
             "knell_exits_spilled_total 1",
             "knell_exits_unaccounted_total 2",
             "knell_exits_outside_pid_namespace_total 8",
             "knell_forks_dropped_total 2",
             "knell_execs_dropped_total 3",
             "knell_signal_marks_failed_total 4",
             "knell_decode_errors_total 5",
             "knell_ring_bytes 168",
             "knell_ring_capacity_bytes 8388608",
             "knell_wakeups_total{mode=\"armed\"} 7",
             "knell_wakeups_total{mode=\"high_water\"} 1",
             "knell_wakeups_total{mode=\"late\"} 2",
             "knell_wakeups_total{mode=\"spill\"} 3",
             "knell_spill_read_errors_total 6",
             "knell_event_lines_lost_total{why=\"slow_reader\"} 1",
             "knell_event_lines_lost_total{why=\"no_space\"} 3",
             "knell_bpf_program_runs_total{program=\"on_exit\"} 12",
             "knell_bpf_program_seconds_total{program=\"on_exit\"} 3.6e-06",
             "knell_bpf_program_misses_total{program=\"on_exit\"} 0",
             "knell_watches{state=\"candidate\"} 1",
             "knell_watches{state=\"zombie\"} 3",
             "knell_watch_capacity 65536",
             "knell_watch_refused_total{why=\"full\"} 1",
             "knell_watch_refused_total{why=\"other\"} 7",
             "knell_unattributed_exits_total{why=\"cgroup_gone\"} 1",
             "knell_witness_disagreements_total{field=\"exit_code\"} 1",
             "knell_witness_disagreements_total{field=\"signal\"} 2",
             "knell_witness_disagreements_total{field=\"core_dumped\"} 0",
             "knell_pidfds_created_total{via=\"pidfd_open\"} 31",
             "knell_pidfds_created_total{via=\"clone\"} 32",
             "knell_pidfds_created_total{via=\"socket\"} 33",
             "knell_pidfds_created_total{via=\"other\"} 34",
             "knell_pidfds_held{holder=\"self\"} 1",
             "knell_pidfds_held{holder=\"container_runtime\"} 3",
             "knell_pidfds_held{holder=\"unknown\"} 6",
             "knell_event_loop_info{backend=\"io_uring\"} 1",
             "knell_event_loop_turns_total 99",
             "knell_event_loop_overflows_total 6",
             "knell_feature_info{feature=\"exit\",hook=\"tp_btf/sched_process_exit(task, group_dead)\"} 1",
             "knell_feature_info{feature=\"oom\",hook=\"\"} 1",
             "knell_config_last_reload_successful 1",
             "knell_config_last_reload_success_timestamp_seconds 1700000000",
         }) {
        EXPECT_THAT(text, HasSubstr(std::string("\n") + line + "\n"));
    }
}

TEST(Exposition, WithoutBpfNothingIsClaimedAboutTheKernelSide) {
    Status status = full_status();
    status.bpf = false;
    const std::string text = status_text(status);
    for (const char* family : {"knell_exits_seen_total", "knell_processes_forked_total", "knell_ring_bytes",
                               "knell_wakeups_total", "knell_bpf_program_runs_total"}) {
        EXPECT_THAT(text, Not(HasSubstr(family)));
    }
    EXPECT_THAT(text, HasSubstr("knell_watches{"));
}

TEST(Exposition, WhatNobodyObservesIsAbsentAndNotZero) {
    Status status = full_status();
    status.observes_pidfds = false;
    status.held_pidfds.reset();
    status.witness_disagreements.reset();
    const std::string text = status_text(status);
    for (const char* family :
         {"knell_pidfds_created_total", "knell_pidfds_held", "knell_witness_disagreements_total"}) {
        EXPECT_THAT(text, Not(HasSubstr(family)));
    }
}

TEST(Exposition, RunTimeStatisticsOnlyWhileTheKernelKeepsThem) {
    Status status = full_status();
    status.bpf_stats = false;
    const std::string text = status_text(status);
    EXPECT_THAT(text, Not(HasSubstr("knell_bpf_program_runs_total")));
    EXPECT_THAT(text, HasSubstr("knell_bpf_program_misses_total"));
}

TEST(Exposition, ATimeOfAReloadThatNeverWasIsAbsent) {
    Status status = full_status();
    status.config_reloaded_unix_seconds = 0;
    status.config_reload_ok = false;
    const std::string text = status_text(status);
    EXPECT_THAT(text, HasSubstr("knell_config_last_reload_successful 0\n"));
    EXPECT_THAT(text, Not(HasSubstr("knell_config_last_reload_success_timestamp_seconds")));
}

// What makes Prometheus refuse a whole scrape: a family in two pieces, a help of two lines, the same series twice.
TEST(Collectable, FamiliesAreWholeAndSeriesAreUnique) {
    Ledger ledger({.max_series = Ledger::kMinSeries + 50});
    for (int i = 0; i < 5; ++i) {
        const auto place = container_place("shop", "web-" + std::to_string(i));
        ledger.on_event(death_by(place, SIGKILL, KillerClass::host));
        ledger.on_event(reap_of(place, 1));
    }
    ledger.discover(container_place("_other", "evil"));
    FixedStatus status;
    status.value = full_status();
    std::set<std::string> names;
    std::set<std::string> series;
    for (const prometheus::MetricFamily& family : NodeCollectable(ledger, status, kTestBuild).Collect()) {
        EXPECT_TRUE(names.insert(family.name).second) << family.name << " comes twice";
        EXPECT_FALSE(family.help.empty()) << family.name;
        EXPECT_EQ(family.help.find('\n'), std::string::npos) << family.name;
        EXPECT_FALSE(family.metric.empty()) << family.name;
        EXPECT_EQ(family.type == prometheus::MetricType::Counter, family.name.ends_with("_total")) << family.name;
        for (const prometheus::ClientMetric& metric : family.metric) {
            std::string key = family.name;
            for (const auto& label : metric.label) {
                key += '\0' + label.name + '\0' + label.value;
            }
            EXPECT_TRUE(series.insert(key).second) << key;
        }
    }
}

// knell_series is what a scrape shows: one line each, also of families that come in batches.
TEST(Collectable, SeriesAreTheLinesOfTheScrape) {
    Ledger ledger({});
    static_assert(60 * kReasonCount > 2 * FamilyBuilder::kBatch);
    for (int i = 0; i < 60; ++i) {
        const auto place = container_place("shop", "web-" + std::to_string(i));
        ledger.on_event(death_by(place, 1 + i, KillerClass::host));
        ledger.on_event(reap_of(place, 1));
    }
    std::istringstream lines(ledger_text(ledger));
    std::uint64_t attributed = 0;
    std::multiset<std::string> headers;
    for (std::string line; std::getline(lines, line);) {
        attributed += line.find("{namespace=") != std::string::npos ? 1U : 0U;
        if (line.starts_with('#')) {
            headers.insert(line);
        }
    }
    EXPECT_EQ(attributed, ledger.series());
    for (const std::string& header : headers) {
        EXPECT_EQ(headers.count(header), 1U) << header;
    }
}

} // namespace
} // namespace knell

#include "agent/attribution/cgroup_path.hpp"
#include "agent/attribution/make_place.hpp"
#include "agent/cause/explain.hpp"
#include "agent/probe/decode.hpp"

#include <benchmark/benchmark.h>

#include <csignal>
#include <cstring>
#include <string>
#include <vector>

// From the bytes of a record to a cause and a place: what each death pays.
namespace knell::bench {
namespace {

knell_exit exit_record(int status) {
    knell_exit record{};
    record.head.type = KNELL_RECORD_EXIT;
    record.head.size = sizeof record;
    record.process.pid = 4711;
    record.status = status;
    return record;
}

void decode_exit(benchmark::State& state) {
    const knell_exit record = exit_record(0);
    const auto bytes = std::as_bytes(std::span(&record, 1));
    for (auto _ : state) {
        benchmark::DoNotOptimize(decode(bytes));
    }
}
BENCHMARK(decode_exit)->Name("record/decode");

ExitFacts facts_of_success() {
    ExitFacts facts;
    facts.status = 0;
    facts.signals_observed = true;
    return facts;
}

// By another container's process: every row of the table is asked, and every class of killers but the last.
ExitFacts facts_of_kill() {
    ExitFacts facts;
    facts.status = SIGKILL;
    facts.signals_observed = true;
    facts.fatal.time_ns = 1;
    facts.fatal.number = SIGKILL;
    facts.fatal.siginfo = KNELL_SIGINFO_VALUE;
    facts.fatal.group = 1;
    facts.fatal.sender_pid = 815;
    std::strcpy(facts.fatal.sender_comm, "stranger");
    std::strcpy(facts.fatal.sender_exe, "stranger");
    return facts;
}

void explain_success(benchmark::State& state) {
    const ExitFacts facts = facts_of_success();
    for (auto _ : state) {
        benchmark::DoNotOptimize(explain(facts).reason);
    }
}
BENCHMARK(explain_success)->Name("cause/explain_success");

void explain_kill(benchmark::State& state) {
    const ExitFacts facts = facts_of_kill();
    const SenderPlace place{.known = true, .in_container = true, .victim_in_container = true};
    for (auto _ : state) {
        benchmark::DoNotOptimize(explain(facts, place).reason);
    }
}
BENCHMARK(explain_kill)->Name("cause/explain_kill_by_stranger");

const std::string kId(64, 'a');

const std::vector<std::string>& paths() {
    static const std::vector<std::string> all = {
        "/system.slice/nginx.service",
        "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0a1b2c3d_4e5f_6789_abcd_ef0123456789.slice/"
        "cri-containerd-" +
            kId + ".scope",
        "/kubepods/burstable/pod0a1b2c3d-4e5f-6789-abcd-ef0123456789/" + kId,
        "/docker/" + kId,
    };
    return all;
}

void parse_path(benchmark::State& state) {
    const std::string& path = paths()[static_cast<std::size_t>(state.range(0))];
    for (auto _ : state) {
        benchmark::DoNotOptimize(parse_cgroup_path(path).runtime);
    }
}
BENCHMARK(parse_path)->Name("attribution/parse_cgroup_path")->DenseRange(0, 3)->ArgName("layout");

void make_a_place(benchmark::State& state) {
    for (auto _ : state) {
        benchmark::DoNotOptimize(make_place(paths()[1], AttributionMode::automatic).container.size());
    }
}
BENCHMARK(make_a_place)->Name("attribution/make_place");

} // namespace
} // namespace knell::bench

#pragma once

#include "agent/ledger/ledger.hpp"
#include "agent/observer/status.hpp"
#include "exporters/prometheus/build_info.hpp"
#include "exporters/prometheus/collectable.hpp"
#include "exporters/prometheus/text.hpp"

#include <string>

namespace knell {

// A status source that answers what the test puts into it.
struct FixedStatus final : StatusSource {
    Status value;
    bool turns = true;
    mutable Nanoseconds asked_patience = 0;
    [[nodiscard]] Status status() const override { return value; }
    [[nodiscard]] bool loop_turns_within(Nanoseconds patience) const override {
        asked_patience = patience;
        return turns;
    }
};

inline const BuildInfo kTestBuild = {.version = "1.2.3", .revision = "abcdef0", .libbpf = "1.1", .liburing = "2.3"};

// An agent with BPF that has everything to say.
inline Status full_status() {
    Status status;
    status.ready = true;
    status.bpf = true;
    status.bpf_stats = true;
    status.kernel = {.exits_seen = 12,
                     .exits_delivered = 11,
                     .exits_spilled = 1,
                     .exits_unaccounted = 2,
                     .exits_outside = 8,
                     .forks = 20,
                     .forks_dropped = 2,
                     .execs = 15,
                     .execs_dropped = 3,
                     .wakeups_armed = 7,
                     .wakeups_high_water = 1,
                     .wakeups_late = 2,
                     .wakeups_spill = 3,
                     .signals = 9,
                     .marks_failed = 4,
                     .pidfds = {31, 32, 33, 34},
                     .pidfds_dropped = 5};
    status.programs = {{.name = "on_exit", .runs = 12, .time = 3600, .recursion_misses = 0}};
    status.ring_bytes = 168;
    status.ring_capacity_bytes = 8 << 20;
    status.decode_errors = 5;
    status.spill_errors = 6;
    status.lines_lost = {1, 2, 3, 4};
    status.watches = {1, 2, 3};
    status.watch_capacity = 65536;
    status.watch_refused = {1, 2, 3, 4, 5, 6, 7};
    status.unattributed = {1, 2, 3};
    status.witness_disagreements = {1, 2, 0};
    status.observes_pidfds = true;
    status.held_pidfds = {1, 2, 3, 4, 5, 6};
    status.loop_backend = "io_uring";
    status.loop_turns = 99;
    status.completion_overflows = 6;
    status.config_reloaded_unix_seconds = 1'700'000'000;
    status.features = {
        {.name = "exit", .hook = "tp_btf/sched_process_exit(task, group_dead)", .why_not = {}, .remedy = {}},
        {.name = "oom", .hook = {}, .why_not = "no BTF", .remedy = "CONFIG_DEBUG_INFO_BTF=y"}};
    return status;
}

inline std::string text_of(const Ledger& ledger, const StatusSource& status) {
    const NodeCollectable collectable(ledger, status, kTestBuild);
    return to_text([&](const FamilySink& sink) { collectable.for_each_family(sink); }, 0);
}

} // namespace knell

#include "exporters/prometheus/agent_families.hpp"

#include "agent/event/event.hpp"

#include <array>
#include <utility>

namespace knell {

namespace {

template <std::size_t N>
void emit_by_name(const FamilySink& sink, const Family& family, std::string_view label,
                  const std::array<std::string_view, N>& names, const std::array<std::uint64_t, N>& values) {
    FamilyBuilder builder(family, sink);
    for (std::size_t i = 0; i < N; ++i) {
        builder.add({}, label, names[i], to_sample(values[i]));
    }
    builder.finish();
}

void collect_kernel(const Status& status, const FamilySink& sink) {
    const KernelCounts& kernel = status.kernel;
    const std::array<std::pair<const Family*, std::uint64_t>, 10> counters = {{
        {&families::kForked, kernel.forks},
        {&families::kExeced, kernel.execs},
        {&families::kExitsSeen, kernel.exits_seen},
        {&families::kExitsDelivered, kernel.exits_delivered},
        {&families::kExitsSpilled, kernel.exits_spilled},
        {&families::kExitsUnaccounted, kernel.exits_unaccounted},
        {&families::kExitsOutside, kernel.exits_outside},
        {&families::kForksDropped, kernel.forks_dropped},
        {&families::kExecsDropped, kernel.execs_dropped},
        {&families::kMarksFailed, kernel.marks_failed},
    }};
    for (const auto& [family, value] : counters) {
        emit_single(sink, *family, to_sample(value));
    }
    emit_single(sink, families::kDecodeErrors, to_sample(status.decode_errors));
    emit_single(sink, families::kSpillErrors, to_sample(status.spill_errors));
    emit_by_name(sink, families::kLinesLost, "why", kLineLossNames, status.lines_lost);
    emit_single(sink, families::kRingBytes, to_sample(status.ring_bytes));
    emit_single(sink, families::kRingCapacity, to_sample(status.ring_capacity_bytes));
    emit_by_name<4>(sink, families::kWakeups, "mode", {"armed", "high_water", "late", "spill"},
                    {kernel.wakeups_armed, kernel.wakeups_high_water, kernel.wakeups_late, kernel.wakeups_spill});
}

void collect_maps(const Status& status, const FamilySink& sink) {
    FamilyBuilder bytes(families::kMapBytes, sink);
    for (const MapMemory& map : status.maps) {
        bytes.add({}, "map", map.map, to_sample(map.bytes));
    }
    bytes.finish();
}

void collect_tables(const Status& status, const FamilySink& sink) {
    FamilyBuilder entries(families::kTableEntries, sink);
    FamilyBuilder capacity(families::kTableCapacity, sink);
    for (const TableFill& fill : status.tables) {
        entries.add({}, "table", fill.table, to_sample(fill.entries));
        capacity.add({}, "table", fill.table, to_sample(fill.capacity));
    }
    entries.finish();
    capacity.finish();
}

void collect_programs(const Status& status, const FamilySink& sink) {
    FamilyBuilder runs(families::kProgramRuns, sink);
    FamilyBuilder seconds(families::kProgramSeconds, sink);
    FamilyBuilder misses(families::kProgramMisses, sink);
    for (const ProgramStats& program : status.programs) {
        // Without bpf_stats the kernel counts neither; it counts misses always.
        if (status.bpf_stats) {
            runs.add({}, "program", program.name, to_sample(program.runs));
            seconds.add({}, "program", program.name, to_seconds(program.time));
        }
        misses.add({}, "program", program.name, to_sample(program.recursion_misses));
    }
    runs.finish();
    seconds.finish();
    misses.finish();
}

void collect_watch(const Status& status, const FamilySink& sink) {
    emit_by_name(sink, families::kWatches, "state", kWatchStateNames, status.watches);
    emit_single(sink, families::kWatchCapacity, to_sample(status.watch_capacity));
    emit_by_name(sink, families::kWatchRefused, "why", kWatchRefusalNames, status.watch_refused);
    emit_by_name(sink, families::kUnattributed, "why", kUnattributedNames, status.unattributed);
    emit_by_name(sink, families::kUnnamed, "why", kNameMissNames, status.unnamed);
    if (status.witness_disagreements) {
        emit_by_name(sink, families::kWitnesses, "field", kWitnessFieldNames, *status.witness_disagreements);
    }
}

// What nobody observes is absent: a zero would say that there was none.
void collect_pidfds(const Status& status, const FamilySink& sink) {
    if (status.observes_pidfds) {
        emit_by_name(sink, families::kPidfdsCreated, "via", kPidfdViaNames, status.kernel.pidfds);
    }
    if (status.held_pidfds) {
        emit_by_name(sink, families::kPidfdsHeld, "holder", kHolderClassNames, *status.held_pidfds);
    }
}

void collect_loop(const Status& status, const FamilySink& sink) {
    FamilyBuilder loop(families::kLoop, sink);
    loop.add({}, "backend", status.loop_backend, 1);
    loop.finish();
    emit_single(sink, families::kLoopTurns, to_sample(status.loop_turns));
    emit_single(sink, families::kLoopOverflows, to_sample(status.completion_overflows));
}

void collect_features(const Status& status, const FamilySink& sink) {
    FamilyBuilder features(families::kFeature, sink);
    for (const Feature& feature : status.features) {
        features.add({{"feature", feature.name}, {"hook", feature.hook}}, 1);
    }
    features.finish();
}

void collect_config(const Status& status, const FamilySink& sink) {
    emit_single(sink, families::kReloadOk, status.config_reload_ok ? 1 : 0);
    if (status.config_reloaded_unix_seconds != 0) {
        emit_single(sink, families::kReloadTime, to_sample(status.config_reloaded_unix_seconds));
    }
}

} // namespace

void collect_status(const Status& status, const FamilySink& sink) {
    if (status.bpf) {
        collect_kernel(status, sink);
        collect_programs(status, sink);
        collect_maps(status, sink);
    }
    collect_watch(status, sink);
    collect_tables(status, sink);
    collect_pidfds(status, sink);
    collect_loop(status, sink);
    collect_features(status, sink);
    collect_config(status, sink);
}

void collect_build(const BuildInfo& build, const FamilySink& sink) {
    FamilyBuilder builder(families::kBuild, sink);
    builder.add({{"version", build.version},
                 {"revision", build.revision},
                 {"libbpf", build.libbpf},
                 {"liburing", build.liburing}},
                1);
    builder.finish();
}

} // namespace knell

#pragma once

#include "agent/attribution/container_namer.hpp"
#include "agent/base/clock.hpp"
#include "agent/cause/holder.hpp"
#include "agent/event/lost_lines.hpp"
#include "agent/probe/report.hpp"
#include "agent/watch/states.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace knell {

// Why an exit could not be given a place.
enum class Unattributed : std::uint8_t { cgroup_gone, cgroup_unreadable, no_cgroup };
inline constexpr std::array<std::string_view, 3> kUnattributedNames = {"cgroup_gone", "cgroup_unreadable", "no_cgroup"};

// What two witnesses of one death can disagree on.
enum class WitnessField : std::uint8_t { exit_code, signal, core_dumped };
inline constexpr std::array<std::string_view, 3> kWitnessFieldNames = {"exit_code", "signal", "core_dumped"};

// How full a table is that may not grow beyond its capacity.
struct TableFill {
    std::string_view table;
    std::uint64_t entries = 0;
    std::uint64_t capacity = 0;
};

// The agent's own state at one instant, for exporters and the landing page. Plain data.
struct Status {
    bool ready = false; // programs attached (or given up), first scan done
    bool bpf = false;   // false: pidfds and /proc only
    bool bpf_stats = false;
    KernelCounts kernel;
    std::vector<ProgramStats> programs;
    std::vector<MapMemory> maps;
    std::vector<TableFill> tables;
    std::uint64_t ring_bytes = 0; // waiting in the ring
    std::uint64_t ring_capacity_bytes = 0;
    std::uint64_t decode_errors = 0;                               // records of a wrong type or size
    std::array<std::uint64_t, kLineLossNames.size()> lines_lost{}; // events that no reader of JSON lines got
    std::uint64_t spill_errors = 0; // the kernel refused to show the spill; what is in it waits for the next time

    std::array<std::uint64_t, kWatchStateNames.size()> watches{};
    std::uint64_t watch_capacity = 0;
    std::array<std::uint64_t, kWatchRefusalNames.size()> watch_refused{};
    std::array<std::uint64_t, kUnattributedNames.size()> unattributed{};
    std::array<std::uint64_t, kNameMissNames.size()> unnamed{}; // containers, by why
    // Absent where there is one witness only: without BPF, and before Linux 6.15.
    std::optional<std::array<std::uint64_t, kWitnessFieldNames.size()>> witness_disagreements;

    bool observes_pidfds = false; // whether kernel.pidfds says anything
    // Pidfds that existed at the start, by who held them. Absent where they were not counted.
    std::optional<std::array<std::uint64_t, kHolderClassCount>> held_pidfds;

    std::string loop_backend;
    std::uint64_t loop_turns = 0;
    std::uint64_t completion_overflows = 0;

    bool config_reload_ok = true;
    std::uint64_t config_reloaded_unix_seconds = 0; // last successful load
    std::vector<Feature> features;
};

// Any thread may ask.
class StatusSource {
  public:
    virtual ~StatusSource() = default;
    [[nodiscard]] virtual Status status() const = 0;
    // True when the loop turned within `patience` after being woken for this question.
    [[nodiscard]] virtual bool loop_turns_within(Nanoseconds patience) const = 0;
};

} // namespace knell

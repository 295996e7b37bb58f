#pragma once

#include <prometheus/metric_type.h>

#include <cstdint>
#include <string_view>

namespace knell {

// Who counts. What the kernel side counts may be older than the agent, which takes it over at its start.
enum class Keeper : std::uint8_t { agent, kernel };

// Name, type and help of one metric family. Help is one line: prometheus-cpp writes it unescaped.
struct Family {
    std::string_view name;
    prometheus::MetricType type;
    std::string_view help;
    Keeper keeper = Keeper::agent;
};

// Every family that the agent exports, and the only place where it is described.
namespace families {

using enum prometheus::MetricType;

// Per workload.
inline constexpr Family kExits = {"knell_process_exits_total", Counter, "Processes that ended, by why."};
inline constexpr Family kExitCodes = {"knell_process_exit_codes_total", Counter,
                                      "Processes that ended by themselves, by exit code."};
inline constexpr Family kExitSignals = {"knell_process_exit_signals_total", Counter,
                                        "Processes that a signal ended, by signal and by whether a core was written."};
inline constexpr Family kKills = {"knell_process_kills_total", Counter,
                                  "Processes that a signal ended, by signal and by who sent it."};
inline constexpr Family kOomKills = {"knell_oom_kills_total", Counter,
                                     "Processes that the OOM killer ended, by what had run out of memory."};
inline constexpr Family kReap = {"knell_exit_reap_seconds", Histogram,
                                 "Time from the parent being told of an exit until it collected the zombie, in "
                                 "seconds; watched processes."};
inline constexpr Family kTermination = {"knell_termination_seconds", Histogram,
                                        "Time from the first stop request until the process ended, in seconds."};
inline constexpr Family kZombies = {"knell_zombies", Gauge, "Watched processes that ended and are not collected yet."};
inline constexpr Family kZombieOldest = {"knell_zombie_oldest_seconds", Gauge,
                                         "Age of the oldest watched zombie in seconds, 0 when there is none."};

// Per node.
inline constexpr Family kTeardown = {"knell_exit_teardown_seconds", Histogram,
                                     "Time the kernel took from the end of a process to telling its parent, in "
                                     "seconds; watched processes."};
inline constexpr Family kReaction = {"knell_exit_reaction_seconds", Histogram,
                                     "Time from the kernel's notification of an exit until the agent's loop woke up, "
                                     "in seconds; watched processes."};
inline constexpr Family kForked = {"knell_processes_forked_total", Counter, "Processes created.", Keeper::kernel};
inline constexpr Family kExeced = {"knell_processes_execed_total", Counter, "Programs executed.", Keeper::kernel};
inline constexpr Family kPidfdsCreated = {"knell_pidfds_created_total", Counter,
                                          "Pidfds that processes of this node created, by which way.", Keeper::kernel};
inline constexpr Family kPidfdsHeld = {"knell_pidfds_held", Gauge,
                                       "Pidfds that existed when the agent started, by who held them."};
inline constexpr Family kUnattributed = {"knell_unattributed_exits_total", Counter,
                                         "Exits that could not be given a place, by why."};

inline constexpr Family kUnnamed = {"knell_unnamed_containers_total", Counter,
                                    "Containers that no name was found for, by why."};

inline constexpr Family kWitnesses = {
    "knell_witness_disagreements_total", Counter,
    "Deaths of which the exit record and the reaped pidfd told differently, by what."};

// What the kernel side saw, and what of it was lost.
inline constexpr Family kExitsSeen = {"knell_exits_seen_total", Counter, "Exits that the kernel side saw.",
                                      Keeper::kernel};
inline constexpr Family kExitsDelivered = {"knell_exits_delivered_total", Counter,
                                           "Exits that the kernel side put into the ring buffer.", Keeper::kernel};
inline constexpr Family kExitsSpilled = {
    "knell_exits_spilled_total", Counter,
    "Exits that found no room in the ring buffer and were counted without their details.", Keeper::kernel};
inline constexpr Family kExitsUnaccounted = {
    "knell_exits_unaccounted_total", Counter,
    "Exits that found no room in the spill either: seen, and in no other count.", Keeper::kernel};
inline constexpr Family kExitsOutside = {
    "knell_exits_outside_pid_namespace_total", Counter,
    "Exits of processes that the agent's pid namespace does not show: in no other count.", Keeper::kernel};
inline constexpr Family kForksDropped = {"knell_forks_dropped_total", Counter,
                                         "Fork records that found no room in the ring buffer.", Keeper::kernel};
inline constexpr Family kExecsDropped = {"knell_execs_dropped_total", Counter,
                                         "Exec records that found no room in the ring buffer.", Keeper::kernel};
inline constexpr Family kMarksFailed = {"knell_signal_marks_failed_total", Counter,
                                        "Signals whose sender could not be recorded because the kernel had no memory.",
                                        Keeper::kernel};
inline constexpr Family kDecodeErrors = {"knell_decode_errors_total", Counter,
                                         "Records from the ring buffer of an unknown type or a wrong size."};
inline constexpr Family kSpillErrors = {"knell_spill_read_errors_total", Counter,
                                        "Times that the spilled exits could not be read; they wait for the next time."};
inline constexpr Family kLinesLost = {"knell_event_lines_lost_total", Counter,
                                      "Events that were to be written as JSON lines and were not, by why."};
inline constexpr Family kRingBytes = {"knell_ring_bytes", Gauge, "Bytes waiting in the ring buffer."};
inline constexpr Family kRingCapacity = {"knell_ring_capacity_bytes", Gauge, "Size of the ring buffer in bytes."};
inline constexpr Family kMapBytes = {"knell_bpf_map_bytes", Gauge, "Kernel memory of a BPF map in bytes."};
inline constexpr Family kWakeups = {"knell_wakeups_total", Counter,
                                    "Times that the kernel side woke the agent, by what for.", Keeper::kernel};
inline constexpr Family kProgramRuns = {"knell_bpf_program_runs_total", Counter,
                                        "Runs of a BPF program while kernel.bpf_stats_enabled was set.",
                                        Keeper::kernel};
inline constexpr Family kProgramSeconds = {"knell_bpf_program_seconds_total", Counter,
                                           "Seconds spent in a BPF program while kernel.bpf_stats_enabled was set.",
                                           Keeper::kernel};
inline constexpr Family kProgramMisses = {"knell_bpf_program_misses_total", Counter,
                                          "Runs of a BPF program that the kernel skipped to avoid recursion.",
                                          Keeper::kernel};

// The agent.
inline constexpr Family kWatches = {"knell_watches", Gauge, "Processes in the watch pool, by state."};
inline constexpr Family kWatchCapacity = {"knell_watch_capacity", Gauge, "Processes that the watch pool can hold."};
inline constexpr Family kWatchRefused = {"knell_watch_refused_total", Counter,
                                         "Processes that were not watched, by why."};
inline constexpr Family kTableEntries = {"knell_table_entries", Gauge, "Entries of a table of the agent."};
inline constexpr Family kTableCapacity = {"knell_table_capacity", Gauge, "Entries that a table of the agent can hold."};
inline constexpr Family kSeries = {"knell_series", Gauge, "Series of all workloads, which metrics.max_series bounds."};
inline constexpr Family kSeriesOverflow = {"knell_series_overflow_total", Counter,
                                           "Times that something was counted under namespace _other because "
                                           "metrics.max_series left no room."};
inline constexpr Family kFeature = {"knell_feature_info", Gauge,
                                    "What the agent observes and by which hook; the hook is empty when it is off."};
inline constexpr Family kLoop = {"knell_event_loop_info", Gauge, "The event loop's backend."};
inline constexpr Family kLoopTurns = {"knell_event_loop_turns_total", Counter, "Turns of the event loop."};
inline constexpr Family kLoopOverflows = {
    "knell_event_loop_overflows_total", Counter,
    "Turns of the event loop that found the completion queue full and more kept aside."};
inline constexpr Family kBuild = {"knell_build_info", Gauge, "The agent's version and those of its libraries."};
inline constexpr Family kReloadOk = {"knell_config_last_reload_successful", Gauge,
                                     "1 when the last load of the configuration succeeded, else 0."};
inline constexpr Family kReloadTime = {"knell_config_last_reload_success_timestamp_seconds", Gauge,
                                       "Unix time of the last successful load of the configuration in seconds."};

// The agent's process: the names that every Prometheus client library uses.
inline constexpr Family kCpu = {"process_cpu_seconds_total", Counter, "User and system CPU time spent in seconds."};
inline constexpr Family kResident = {"process_resident_memory_bytes", Gauge, "Resident memory size in bytes."};
inline constexpr Family kVirtual = {"process_virtual_memory_bytes", Gauge, "Virtual memory size in bytes."};
inline constexpr Family kOpenFds = {"process_open_fds", Gauge, "Number of open file descriptors."};
inline constexpr Family kMaxFds = {"process_max_fds", Gauge, "Maximum number of open file descriptors."};
inline constexpr Family kStartTime = {"process_start_time_seconds", Gauge,
                                      "Start time of the process since the Unix epoch in seconds."};

} // namespace families
} // namespace knell

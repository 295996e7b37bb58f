#pragma once

#include "agent/attribution/options.hpp"
#include "agent/base/log_style.hpp"
#include "agent/base/result.hpp"
#include "agent/cause/reason.hpp"
#include "agent/ledger/limits.hpp"
#include "agent/loop/backend_choice.hpp"
#include "agent/probe/options.hpp"
#include "agent/watch/options.hpp"

#include <optional>
#include <string>
#include <vector>

namespace knell {

// The configuration as plain data: what goes to one room as it is, is that room's own type and has its defaults there.
// All defaults are documented in docs/configuration.md. Nothing outside config/ knows that it was YAML.
struct Config {
    std::string listen = "127.0.0.1:9477"; // host:port; [v6]:port

    struct Log {
        log::Level level = log::Level::info;
        log::Format format = log::Format::text;
    } log;

    RingOptions ring;

    BackendChoice loop_backend = BackendChoice::automatic;

    struct Watch {
        PoolOptions pool;
        // Shell globs; a leading "!" excludes. See watch/select.hpp for how the lists are applied.
        std::vector<std::string> select_cgroup = {"*"};
        std::vector<std::string> select_comm = {"*"};
    } watch;

    AttributionOptions attribution;

    struct Metrics {
        LedgerLimits limits;
        bool created_timestamps = true; // in OpenMetrics
        bool operator==(const Metrics&) const = default;
    } metrics;

    // Signals that ask a process to stop: the first of them starts the clock of knell_termination_seconds.
    std::vector<int> stop_signals = ProbeOptions{}.stop_signals;

    bool pidfd_creation = ProbeOptions{}.pidfd_creation;

    struct State {
        std::string pin = "/sys/fs/bpf/knell";
        bool keep_on_exit = true;
    } state;

    struct Jsonl {
        std::string path = "-";      // "-" = standard output
        std::vector<Reason> reasons; // empty = all
    };
    std::optional<Jsonl> jsonl;
};

// Reads and checks a configuration file. Unknown keys, wrong types and values out of range fail with
// "file:line: key: what is wrong, what would be right".
Result<Config> load_config(const std::string& path);

// The same for text; `name` stands for the file in messages.
Result<Config> parse_config(const std::string& text, const std::string& name);

} // namespace knell

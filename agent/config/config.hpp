#pragma once

#include "agent/attribution/mode.hpp"
#include "agent/attribution/name_paths.hpp"
#include "agent/base/clock.hpp"
#include "agent/base/log_style.hpp"
#include "agent/base/result.hpp"
#include "agent/cause/reason.hpp"
#include "agent/loop/backend_choice.hpp"

#include <csignal>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace knell {

// The configuration as plain data; the defaults are the ones documented in docs/configuration.md. Nothing outside
// config/ knows that it was YAML.
struct Config {
    std::string listen = "127.0.0.1:9477"; // host:port; [v6]:port

    struct Log {
        log::Level level = log::Level::info;
        log::Format format = log::Format::text;
    } log;

    struct Ring {
        std::uint64_t size_bytes = 8ULL << 20; // a power of two, at least 64 KiB
        Nanoseconds coalesce = kMillisecond;
        bool operator==(const Ring&) const = default;
    } ring;

    BackendChoice loop_backend = BackendChoice::automatic;

    struct Watch {
        std::uint32_t capacity = 65536;
        Nanoseconds min_age = 100 * kMillisecond;
        // Shell globs; a leading "!" excludes. See watch/select.hpp for how the lists are applied.
        std::vector<std::string> select_cgroup = {"*"};
        std::vector<std::string> select_comm = {"*"};
    } watch;

    struct Attribution {
        AttributionMode mode = AttributionMode::automatic;
        NamePaths names;
        bool operator==(const Attribution&) const = default;
    } attribution;

    struct Metrics {
        bool pod_label = false;
        std::uint32_t max_series = 20000;
        Nanoseconds retain = 600 * kSecond;
        bool created_timestamps = true; // in OpenMetrics
        bool operator==(const Metrics&) const = default;
    } metrics;

    // Signals that ask a process to stop: the first of them starts the clock of knell_termination_seconds.
    std::vector<int> stop_signals = {SIGTERM};

    bool pidfd_creation = true;

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

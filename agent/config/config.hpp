#pragma once

#include "agent/attribution/name_paths.hpp"
#include "agent/base/clock.hpp"
#include "agent/base/result.hpp"
#include "agent/cause/reason.hpp"

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
        enum class Level : std::uint8_t { debug, info, warn, error } level = Level::info;
        enum class Format : std::uint8_t { text, json } format = Format::text;
    } log;

    struct Ring {
        std::uint64_t size_bytes = 8ULL << 20; // a power of two, at least 64 KiB
        Nanoseconds coalesce = kMillisecond;
    } ring;

    enum class LoopBackend : std::uint8_t { automatic, io_uring, epoll } loop_backend = LoopBackend::automatic;

    struct Watch {
        std::uint32_t capacity = 65536;
        Nanoseconds min_age = 100 * kMillisecond;
        // Shell globs; a leading "!" excludes. See watch/select.hpp for how the lists are applied.
        std::vector<std::string> select_cgroup = {"*"};
        std::vector<std::string> select_comm = {"*"};
    } watch;

    struct Attribution {
        enum class Mode : std::uint8_t { automatic, kubernetes, systemd, none } mode = Mode::automatic;
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

    enum class PidfdCreation : std::uint8_t { automatic, off } pidfd_creation = PidfdCreation::automatic;

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

#include "agent/config/config.hpp"

#include "agent/base/file.hpp"
#include "agent/config/problems.hpp"
#include "agent/config/section.hpp"
#include "agent/config/yaml.hpp"
#include "agent/input/values.hpp"

#include <fcntl.h>

#include <array>
#include <cerrno>
#include <utility>

namespace knell {

namespace {

constexpr std::size_t kMaxFile = 1ULL << 20;

// Empty: nothing is pinned.
Result<std::string> parse_pin(std::string_view text) {
    return text.empty() ? Result<std::string>("") : parse_absolute_path(text);
}

constexpr std::array<Choice<log::Level>, 4> kLevels = {{{"debug", log::Level::debug},
                                                        {"info", log::Level::info},
                                                        {"warn", log::Level::warn},
                                                        {"error", log::Level::error}}};
constexpr std::array<Choice<log::Format>, 2> kFormats = {{{"text", log::Format::text}, {"json", log::Format::json}}};
constexpr std::array<Choice<BackendChoice>, 3> kBackends = {
    {{"auto", BackendChoice::automatic}, {"io_uring", BackendChoice::io_uring}, {"epoll", BackendChoice::epoll}}};
constexpr std::array<Choice<AttributionMode>, 4> kAttributions = {{{"auto", AttributionMode::automatic},
                                                                   {"kubernetes", AttributionMode::kubernetes},
                                                                   {"systemd", AttributionMode::systemd},
                                                                   {"none", AttributionMode::none}}};
constexpr std::array<Choice<bool>, 2> kPidfdCreation = {{{"auto", true}, {"off", false}}};

template <typename T, std::size_t N>
auto one_of(const std::array<Choice<T>, N>& choices) {
    return [&choices](std::string_view text) { return parse_choice(text, choices); };
}

auto duration_up_to(Nanoseconds highest) {
    return [highest](std::string_view text) { return parse_duration(text, highest); };
}

auto integer_between(std::uint32_t lowest, std::uint32_t highest) {
    return [lowest, highest](std::string_view text) { return parse_integer(text, lowest, highest); };
}

void read_watch(Section& section, Config::Watch& watch) {
    section.scalar("capacity", watch.pool.capacity, integer_between(1, 1U << 20));
    section.scalar("min_age", watch.pool.min_age, duration_up_to(3600 * kSecond));
    section.section("select", [&](Section& select) {
        select.list("cgroup", watch.select_cgroup, parse_glob, 1);
        select.list("comm", watch.select_comm, parse_glob, 1);
    });
}

void read_attribution(Section& section, AttributionOptions& attribution) {
    section.scalar("mode", attribution.mode, one_of(kAttributions));
    section.list("containerd", attribution.names.containerd, parse_absolute_path);
    section.list("storage", attribution.names.storage, parse_absolute_path);
    section.list("docker", attribution.names.docker, parse_absolute_path);
    section.list("container_logs", attribution.names.container_logs, parse_absolute_path);
    section.list("pod_logs", attribution.names.pod_logs, parse_absolute_path);
}

void read_jsonl(Section& section, Config::Jsonl& jsonl) {
    jsonl.reasons = {Reason::oom_kill, Reason::crash, Reason::signal};
    section.scalar("path", jsonl.path, parse_path);
    section.list("reasons", jsonl.reasons, parse_reason);
}

// The schema: this and the three above. The defaults are those of Config and its parts.
void read_config(Section& top, Config& config) {
    top.scalar("listen", config.listen, parse_listen);
    top.section("log", [&](Section& log) {
        log.scalar("level", config.log.level, one_of(kLevels));
        log.scalar("format", config.log.format, one_of(kFormats));
    });
    top.section("ring", [&](Section& ring) {
        ring.scalar("size", config.ring.size_bytes, parse_ring_size);
        ring.scalar("coalesce", config.ring.coalesce, duration_up_to(10 * kMillisecond));
    });
    top.section("loop", [&](Section& loop) { loop.scalar("backend", config.loop_backend, one_of(kBackends)); });
    top.section("watch", [&](Section& watch) { read_watch(watch, config.watch); });
    top.section("attribution", [&](Section& attribution) { read_attribution(attribution, config.attribution); });
    top.section("metrics", [&](Section& metrics) {
        metrics.scalar("pod_label", config.metrics.limits.pod_label, parse_bool);
        metrics.scalar("max_series", config.metrics.limits.max_series, integer_between(1000, 1'000'000));
        metrics.scalar("retain", config.metrics.limits.retain, duration_up_to(7ULL * 86400 * kSecond));
        metrics.scalar("created_timestamps", config.metrics.created_timestamps, parse_bool);
    });
    top.list("stop_signals", config.stop_signals, parse_stop_signal, 1);
    top.scalar("pidfd_creation", config.pidfd_creation, one_of(kPidfdCreation));
    top.section("state", [&](Section& state) {
        state.scalar("pin", config.state.pin, parse_pin);
        state.scalar("keep_on_exit", config.state.keep_on_exit, parse_bool);
    });
    top.section("exporters", [&](Section& exporters) {
        exporters.feature("jsonl", [&](Section& jsonl) { read_jsonl(jsonl, config.jsonl.emplace(Config::Jsonl{})); });
    });
}

std::string_view next_step(int errno_value) {
    switch (errno_value) {
    case ENOENT:
        return " (check the path; without a file the defaults apply)";
    case EACCES:
        return " (make the file and its directories readable for the user that knell runs as)";
    case EISDIR:
        return " (name a file in this directory)";
    default:
        return "";
    }
}

} // namespace

Result<Config> parse_config(const std::string& text, const std::string& name) {
    const Result<YamlNode> root = parse_yaml(text, name);
    if (!root) {
        return std::unexpected(root.error());
    }
    Config config;
    Problems problems(name);
    Section::read(*root, "", root->line, problems, [&](Section& top) { read_config(top, config); });
    if (!problems.empty()) {
        return problems.to_failure();
    }
    return config;
}

Result<Config> load_config(const std::string& path) {
    const Result<std::string> text = read_small_file(AT_FDCWD, path.c_str(), kMaxFile);
    if (!text) {
        Error error = text.error();
        error.message += next_step(error.errno_value);
        return failure_in("reading the configuration", std::move(error));
    }
    return parse_config(*text, path);
}

} // namespace knell

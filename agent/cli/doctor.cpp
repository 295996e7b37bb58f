#include "agent/attribution/container_namer.hpp"
#include "agent/base/file.hpp"
#include "agent/cli/commands.hpp"
#include "agent/cli/usage.hpp"
#include "agent/config/config.hpp"
#include "agent/observer/features.hpp"
#include "agent/observer/observer.hpp"
#include "agent/privilege/capabilities.hpp"
#include "agent/privilege/landlock.hpp"
#include "agent/probe/pin_directory.hpp"
#include "exporters/console/terminal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <charconv>
#include <system_error>

namespace knell {
namespace {

struct Node {
    utsname kernel{};
    uid_t uid = 0;
    rlim_t descriptors = 0;
    Result<int> landlock;
    std::vector<std::string> container_names; // directories
    std::optional<int> io_uring_disabled;     // no such sysctl, or it may not be read
    std::optional<int> bpf_stats_enabled;
};

std::optional<int> sysctl(const char* path) {
    const auto text = read_small_file(AT_FDCWD, path, 4096);
    int value = 0;
    return text && std::from_chars(text->data(), text->data() + text->size(), value).ec == std::errc()
               ? std::optional(value)
               : std::nullopt;
}

Node this_node() {
    Node node{.landlock = landlock_version(),
              .container_names = present(NamePaths{}),
              .io_uring_disabled = sysctl("/proc/sys/kernel/io_uring_disabled"),
              .bpf_stats_enabled = sysctl("/proc/sys/kernel/bpf_stats_enabled")};
    (void)::uname(&node.kernel);
    node.uid = ::geteuid();
    rlimit descriptors{};
    (void)::getrlimit(RLIMIT_NOFILE, &descriptors);
    node.descriptors = descriptors.rlim_cur;
    return node;
}

std::string to_text(std::optional<int> value) {
    return value ? std::to_string(*value) : "unknown";
}

void print_node(const Node& node, const Status& status) {
    const auto row = [](const char* name, const std::string& value) { fmt::print("{:<18} {}\n", name, value); };
    row("kernel", fmt::format("{} {}", node.kernel.release, node.kernel.machine));
    row("user", fmt::format("uid {}", node.uid));
    row("descriptors", fmt::format("{} (one for each watched process; watch.capacity is {})", node.descriptors,
                                   status.watch_capacity));
    row("landlock",
        node.landlock ? fmt::format("version {}", *node.landlock) : "none: " + node.landlock.error().message);
    row("container_names", node.container_names.empty()
                               ? "no directory of a container runtime is here: containers go by their ids"
                               : fmt::format("from {}", fmt::join(node.container_names, ", ")));
    row("io_uring_disabled", to_text(node.io_uring_disabled));
    row("bpf_stats_enabled", to_text(node.bpf_stats_enabled));
}

// Names stand in columns of their own; what is beside them is folded at a terminal.
void print_beside(const std::string& line, std::optional<std::size_t> width) {
    constexpr std::size_t kTextColumn = 28;
    fmt::print("{}\n", width ? folded(line, *width, kTextColumn) : line);
}

void print_features(const std::vector<Feature>& features, std::optional<std::size_t> width) {
    const auto more = [width](const char* what, const std::string& text) {
        if (!text.empty()) {
            print_beside(fmt::format("{:<19} {:<7} {}", "", what, text), width);
        }
    };
    for (const Feature& feature : features) {
        fmt::print("{:<14} {}\n", feature.name, feature.on() ? "on   " + feature.hook : "OFF");
        more("why:", feature.why_not);
        more("remedy:", feature.remedy);
    }
}

void print_text(const Status& status) {
    const std::optional<std::size_t> width = inspect_terminal(STDOUT_FILENO).width;
    print_node(this_node(), status);
    fmt::print("\n");
    for (const CapabilityUse& use : capability_uses()) {
        print_beside(fmt::format("{:<19} {:<7} {}", use.name, use.held ? "held" : "MISSING", use.purpose), width);
    }
    fmt::print("\n");
    print_features(status.features, width);
}

nlohmann::json to_json(std::optional<int> value) {
    return value ? nlohmann::json(*value) : nlohmann::json();
}

nlohmann::json to_json(const Node& node, const Status& status) {
    return {{"kernel", node.kernel.release},
            {"machine", node.kernel.machine},
            {"uid", node.uid},
            {"descriptors", node.descriptors},
            {"watch_capacity", status.watch_capacity},
            {"landlock", node.landlock ? nlohmann::json(*node.landlock) : nlohmann::json()},
            {"container_names", node.container_names},
            {"io_uring_disabled", to_json(node.io_uring_disabled)},
            {"bpf_stats_enabled", to_json(node.bpf_stats_enabled)}};
}

void print_json(const Status& status) {
    nlohmann::json out;
    out["node"] = to_json(this_node(), status);
    out["capabilities"] = nlohmann::json::array();
    for (const CapabilityUse& use : capability_uses()) {
        out["capabilities"].push_back({{"capability", use.name}, {"held", use.held}, {"purpose", use.purpose}});
    }
    out["bpf"] = status.bpf;
    out["features"] = nlohmann::json::array();
    for (const Feature& feature : status.features) {
        nlohmann::json row{{"feature", feature.name}, {"on", feature.on()}};
        const auto put = [&row](const char* key, const std::string& value) {
            if (!value.empty()) {
                row[key] = value;
            }
        };
        put("hook", feature.hook);
        put("why_not", feature.why_not);
        put("remedy", feature.remedy);
        out["features"].push_back(std::move(row));
    }
    fmt::print("{}\n", out.dump(2));
}

// Without pinning anything, which would be in the way of the agent that runs here.
Feature would_pin() {
    const std::string path = Config{}.state.pin;
    const auto possible = PinDirectory::check_bpffs(path);
    return possible ? restart_feature("pins in " + path, "") : restart_feature("", possible.error().message);
}

} // namespace

// Tries everything for real, as `knell run` does, and lets go of it.
Result<> doctor(const DoctorArguments& arguments) {
    auto choice = make_loop(BackendChoice::automatic);
    if (!choice) {
        return std::unexpected(std::move(choice.error()));
    }
    ObserverOptions options;
    options.why_not_io_uring = choice->why_not_io_uring;
    auto observer = Observer::start(options, *choice->loop);
    if (!observer) {
        return std::unexpected(std::move(observer.error()));
    }
    Status status = (*observer)->status();
    status.features.push_back(would_pin());
    arguments.json ? print_json(status) : print_text(status);
    return {};
}

} // namespace knell

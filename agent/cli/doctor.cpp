#include "agent/attribution/container_namer.hpp"
#include "agent/base/file.hpp"
#include "agent/cli/commands.hpp"
#include "agent/cli/settings.hpp"
#include "agent/privilege/capabilities.hpp"
#include "agent/privilege/landlock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace knell {
namespace {

std::string kernel_release() {
    utsname names{};
    return ::uname(&names) == 0 ? fmt::format("{} {}", names.release, names.machine) : "unknown";
}

std::string first_line(const char* path) {
    auto text = read_small_file(AT_FDCWD, path, 4096);
    return text ? text->substr(0, text->find('\n')) : "unknown";
}

std::string landlock() {
    const auto version = landlock_version();
    return version ? fmt::format("version {}", *version) : "none: " + version.error().message;
}

std::string directories_of_names() {
    const std::vector<std::string> found = present(NamePaths{});
    return found.empty() ? "no directory of a container runtime is here: containers go by their ids"
                         : fmt::format("from {}", fmt::join(found, ", "));
}

struct Fact {
    std::string name;
    std::string value;
};

std::vector<Fact> node_facts(const Status& status) {
    rlimit descriptors{};
    (void)::getrlimit(RLIMIT_NOFILE, &descriptors);
    return {
        {"kernel", kernel_release()},
        {"user", fmt::format("uid {}", ::geteuid())},
        {"descriptors", fmt::format("{} (one for each watched process; watch.capacity is {})", descriptors.rlim_cur,
                                    status.watch_capacity)},
        {"landlock", landlock()},
        {"container_names", directories_of_names()},
        {"io_uring_disabled", first_line("/proc/sys/kernel/io_uring_disabled")},
        {"bpf_stats_enabled", first_line("/proc/sys/kernel/bpf_stats_enabled")},
    };
}

void print_text(const Status& status) {
    for (const Fact& fact : node_facts(status)) {
        fmt::print("{:<18} {}\n", fact.name, fact.value);
    }
    fmt::print("\n");
    for (const CapabilityUse& use : capability_uses()) {
        fmt::print("{:<19} {:<7} {}\n", use.name, use.held ? "held" : "MISSING", use.purpose);
    }
    fmt::print("\n");
    for (const Feature& feature : status.features) {
        fmt::print("{:<14} {:<4} {}\n", feature.name, feature.on() ? "on" : "OFF", feature.hook);
        if (!feature.why_not.empty()) {
            fmt::print("{:<19} why:    {}\n", "", feature.why_not);
        }
        if (!feature.remedy.empty()) {
            fmt::print("{:<19} remedy: {}\n", "", feature.remedy);
        }
    }
}

void print_json(const Status& status) {
    nlohmann::json out;
    for (const Fact& fact : node_facts(status)) {
        out["node"][fact.name] = fact.value;
    }
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

} // namespace

// Tries everything for real, as `knell run` does, and lets go of it.
Result<> doctor(const DoctorArguments& arguments) {
    auto choice = make_loop(BackendChoice::automatic);
    if (!choice) {
        return std::unexpected(std::move(choice.error()));
    }
    ObserverOptions options = observer_options(Config{});
    options.why_not_io_uring = choice->why_not_io_uring;
    auto observer = Observer::start(options, *choice->loop);
    if (!observer) {
        return std::unexpected(std::move(observer.error()));
    }
    const Status status = (*observer)->status();
    arguments.json ? print_json(status) : print_text(status);
    return {};
}

} // namespace knell

#include "agent/cli/confinement.hpp"

#include "agent/attribution/container_namer.hpp"
#include "agent/base/file.hpp"
#include "agent/base/log.hpp"
#include "agent/privilege/capabilities.hpp"
#include "agent/privilege/landlock.hpp"
#include "agent/privilege/seccomp.hpp"
#include "agent/probe/pin_directory.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <system_error>

namespace knell {
namespace {

namespace fs = std::filesystem;

constexpr const char* kStdout = "/proc/self/fd/1";

// Where a file is, or will be, once links are followed.
fs::path place_of(const fs::path& path) {
    std::error_code error;
    const fs::path followed = fs::weakly_canonical(path, error);
    return error ? fs::absolute(path, error) : followed;
}

bool is_device(const fs::path& path) {
    struct stat status{};
    return ::stat(path.c_str(), &status) == 0 && S_ISCHR(status.st_mode);
}

// The directory, in which a file may be made anew. Not the root, below which everything is.
fs::path directory_of(const fs::path& place) {
    return place.has_parent_path() && place.parent_path() != place.root_path() ? place.parent_path() : place;
}

// What events are written to.
std::string written_below(const std::string& path) {
    if (path == "-") {
        return kStdout;
    }
    const fs::path place = place_of(path);
    return is_device(place) ? place : directory_of(place);
}

// A /proc that hides processes from who may not trace them (hidepid= in its mount options).
bool proc_hides_processes() {
    constexpr std::size_t kMaxMounts = 32ULL << 20; // as many layers of containers as a node may have
    const auto mounts = read_small_file(AT_FDCWD, "/proc/self/mounts", kMaxMounts);
    const std::size_t line = mounts ? mounts->rfind(" /proc proc ") : std::string::npos;
    return line != std::string::npos && mounts->substr(line, mounts->find('\n', line) - line).contains("hidepid=");
}

void warn(std::string_view what, const Error& error) {
    log::warn("not restricted: {}: {}", what, error.message);
}

} // namespace

void Confinement::restrict_process(const RunArguments& arguments, const Config& config, bool bpf) {
    if (auto forbidden = forbid_new_privileges(); forbidden) {
        done_.emplace_back("no new privileges");
    } else {
        warn("new privileges", forbidden.error());
    }
    const bool guarded_proc = !bpf || proc_hides_processes();
    if (guarded_proc) {
        // Landlock takes the right to trace others away, whatever the capabilities (landlock(7), "Ptrace
        // restrictions").
        log::info("files are not restricted: {}, and Landlock would not let the agent",
                  bpf ? "of a /proc with hidepid only a tracer sees all processes"
                      : "without BPF the status of a zombie is read as a tracer reads it");
    } else {
        restrict_to_files_of(arguments, config);
    }
    if (const auto kept = drop_capabilities({.guarded_proc = guarded_proc}); kept) {
        done_.push_back(kept->empty() ? "no capabilities"
                                      : fmt::format("no capabilities but {}", fmt::join(*kept, ", ")));
    } else {
        warn("capabilities", kept.error());
    }
}

void Confinement::restrict_to_files_of(const RunArguments& arguments, const Config& config) {
    using Access = FileRule::Access;
    ::tzset(); // the table's times are local, by a file that is out of reach from now on
    std::vector<FileRule> rules{{.path = "/proc"}, {.path = "/sys"}};
    if (!arguments.config_path.empty()) {
        // The directory, in which an editor or a ConfigMap puts another file in its place; and where a link leads.
        const fs::path named = fs::absolute(arguments.config_path);
        rules.push_back({.path = directory_of(named)});
        rules.push_back({.path = directory_of(place_of(named))});
    }
    if (config.attribution.mode == AttributionMode::automatic ||
        config.attribution.mode == AttributionMode::kubernetes) {
        for (std::string& directory : present(config.attribution.names)) {
            rules.push_back({.path = std::move(directory)});
        }
    }
    if (config.jsonl) {
        writable_.push_back(written_below(config.jsonl->path));
        rules.push_back({.path = writable_.back(), .access = Access::write});
    }
    if (::isatty(STDOUT_FILENO) == 1) {
        rules.push_back({.path = kStdout, .access = Access::write}); // the table is written by a descriptor of its own
    }
    if (PinDirectory::check_bpffs(config.state.pin)) {
        rules.push_back({.path = fs::path(config.state.pin).parent_path(), .access = Access::manage});
    }
    if (auto restricted = restrict_files(rules); restricted) {
        files_restricted_ = true;
        done_.push_back(fmt::format("files (Landlock {})", landlock_version().value_or(0)));
    } else {
        warn("files", restricted.error());
    }
}

void Confinement::restrict_calls() {
    if (auto restricted = restrict_system_calls(); restricted) {
        done_.emplace_back("system calls (seccomp)");
    } else {
        warn("system calls", restricted.error());
    }
    if (!done_.empty()) {
        log::info("restricted: {}", fmt::join(done_, "; "));
    }
}

Error Confinement::explain(Error error, const std::string& path) const {
    if (error.errno_value != EACCES || !files_restricted_) {
        return error;
    }
    if (std::ranges::find(writable_, written_below(path)) == writable_.end()) {
        error.message += fmt::format(" (by Landlock the agent writes {}: start it again to write elsewhere)",
                                     writable_.empty() ? "no file, as exporters.jsonl was off at its start"
                                                       : fmt::format("below {} only", fmt::join(writable_, ", ")));
    }
    return error;
}

} // namespace knell

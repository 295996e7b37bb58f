#include "agent/cause/daemons.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace knell {
namespace {

constexpr auto kRuntimeExes = std::to_array<std::string_view>(
    {"containerd", "containerd-shim", "containerd-shim-runc-v1", "containerd-shim-runc-v2", "runc", "crun", "conmon",
     "crio", "dockerd", "kubelet", "k3s"});
constexpr auto kRuntimeUnits = std::to_array<std::string_view>(
    {"containerd.service", "crio.service", "docker.service", "kubelet.service", "k3s.service", "k3s-agent.service"});
constexpr auto kOomDaemonExes = std::to_array<std::string_view>({"systemd-oomd", "oomd", "earlyoom"});
constexpr auto kOomDaemonUnits =
    std::to_array<std::string_view>({"systemd-oomd.service", "oomd.service", "earlyoom.service"});

bool contains(std::span<const std::string_view> names, std::string_view name) {
    return std::ranges::find(names, name) != names.end();
}

} // namespace

Daemon recognise_daemon(const Credentials& process) {
    if (!process.outside_containers) {
        return Daemon::none;
    }
    const auto is_one_of = [&process](std::span<const std::string_view> exes, std::span<const std::string_view> units) {
        return contains(units, process.unit) || (process.uid == 0 && contains(exes, process.exe));
    };
    if (is_one_of(kOomDaemonExes, kOomDaemonUnits)) {
        return Daemon::oom_daemon;
    }
    return is_one_of(kRuntimeExes, kRuntimeUnits) ? Daemon::container_runtime : Daemon::none;
}

} // namespace knell

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace knell {

// `unknown`: a container, but its path is one that several runtimes use.
enum class Runtime : std::uint8_t { none, containerd, cri_o, docker, podman, lxc, systemd_nspawn, unknown };

// Kubernetes quality of service class.
enum class QosClass : std::uint8_t { none, guaranteed, burstable, best_effort };

// What the path of a cgroup tells. Empty strings = the path does not say. They are pieces of the path: any bytes, as
// long as the path lets them be.
struct PathFacts {
    Runtime runtime = Runtime::none;
    std::string container_id{}; // 64 hexadecimal digits; the container's name with LXC and systemd-nspawn
    // Of the containers around it in the same pod, or on a host without pods: the innermost first, at most four.
    std::vector<std::string> enclosing_ids{};
    std::string pod_uid{}; // UUID with dashes, or the 32 digits of a static pod's configuration hash
    QosClass qos = QosClass::none;
    std::string unit{}; // innermost systemd service or scope that is not a container's own
};

// Reads a path of cgroup v1 or v2 as the kernel prints it ("/system.slice/nginx.service"; "/.." elements where a cgroup
// namespace is in the way). Pure, linear in the path, takes any bytes.
//
// Where containers are nested the innermost wins. A path is a claim, not a proof: whoever may create cgroups can name
// one like a container, within the subtree that was delegated to them.
PathFacts parse_cgroup_path(std::string_view path);

} // namespace knell

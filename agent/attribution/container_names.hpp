#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace knell {

// What people call a container. Any bytes; empty = not said.
struct ContainerNames {
    std::string name_space{}; // of Kubernetes
    std::string pod{};
    std::string container{};
    bool operator==(const ContainerNames&) const = default;
};

// The container of a pod's sandbox (pause), as the kubelet has always named it.
inline constexpr std::string_view kSandboxName = "POD";

// Each of these reads what one kind of runtime, or the kubelet, leaves on the node. Pure; nullopt: it is not of this
// kind, is broken, or names nothing.

// An OCI bundle's config.json, by its annotations: containerd's CRI plugin, nerdctl, CRI-O.
std::optional<ContainerNames> names_in_bundle(std::string_view config_json);

// Docker's config.v2.json: the name, or the labels that cri-dockerd sets.
std::optional<ContainerNames> names_in_docker_config(std::string_view config_json);

// The list of containers of containers/storage, which podman uses: the name of the one with this id.
std::optional<ContainerNames> names_in_storage(std::string_view containers_json, std::string_view id);

// The kubelet's /var/log/containers/POD_NAMESPACE_CONTAINER-ID.log, by the file's name.
std::optional<ContainerNames> names_in_log_link(std::string_view file, std::string_view id);

// The kubelet's /var/log/pods/NAMESPACE_POD_UID, by the directory's name; its containers are not told apart.
std::optional<ContainerNames> names_in_pod_logs(std::string_view directory, std::string_view pod_uid);

} // namespace knell

#pragma once

#include <string>
#include <vector>

namespace knell {

// Where runtimes and the kubelet leave what containers are called. Directories; those that do not exist are no error.
struct NamePaths {
    // containerd's state directories: of containerd itself, k3s and RKE2, k0s, MicroK8s.
    std::vector<std::string> containerd = {"/run/containerd", "/run/k3s/containerd", "/run/k0s/containerd",
                                           "/var/snap/microk8s/common/run/containerd"};
    // Of containers/storage, which CRI-O and podman share: what is kept until the next boot, and what is kept for good.
    std::vector<std::string> storage = {"/run/containers/storage", "/var/lib/containers/storage"};
    std::vector<std::string> docker = {"/var/lib/docker"};
    std::vector<std::string> container_logs = {"/var/log/containers"};
    std::vector<std::string> pod_logs = {"/var/log/pods"};
    bool operator==(const NamePaths&) const = default;
};

} // namespace knell

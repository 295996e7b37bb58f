#pragma once

#include <string>

namespace knell {

// Where a process lived, as far as its cgroup path and what is known on the node tell. Empty = not known or does not
// apply. Strings are valid UTF-8 and bounded: they become label values.
struct Place {
    std::string cgroup;     // path within the hierarchy it was found in, "/system.slice/nginx.service"
    std::string name_space; // Kubernetes namespace
    std::string pod;        // Kubernetes pod name
    std::string pod_uid;
    std::string container;    // container name; until names are known, the first 12 characters of the id
    std::string container_id; // full id
    std::string unit;         // systemd unit when no container is involved
};

} // namespace knell

#pragma once

#include <string_view>

namespace knell {

// The unit of the system's service manager that a cgroup path lies in, empty if none: only what follows the slices
// below /system.slice is that manager's. A user's manager, and whoever a subtree was delegated to, name their cgroups
// as they like, "kubelet.service" included. Pure; the view is into `cgroup_path`.
std::string_view system_unit(std::string_view cgroup_path);

} // namespace knell

#include "agent/attribution/system_unit.hpp"

namespace knell {

std::string_view system_unit(std::string_view cgroup_path) {
    constexpr std::string_view kSystemSlice = "/system.slice/";
    if (!cgroup_path.starts_with(kSystemSlice)) {
        return {};
    }
    cgroup_path.remove_prefix(kSystemSlice.size());
    while (true) {
        const std::string_view component = cgroup_path.substr(0, cgroup_path.find('/'));
        if (component.ends_with(".service") || component.ends_with(".scope")) {
            return component;
        }
        if (!component.ends_with(".slice") || component.size() == cgroup_path.size()) {
            return {};
        }
        cgroup_path.remove_prefix(component.size() + 1);
    }
}

} // namespace knell

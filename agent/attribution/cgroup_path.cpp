#include "agent/attribution/cgroup_path.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace knell {

namespace {

constexpr std::size_t kIdSize = 64;
constexpr std::size_t kMaxEnclosing = 4; // docker in docker in a pod in kind

bool is_hex(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

bool is_container_id(std::string_view text) {
    return text.size() == kIdSize && std::ranges::all_of(text, is_hex);
}

bool strip_prefix(std::string_view& text, std::string_view prefix) {
    const bool found = text.starts_with(prefix);
    text.remove_prefix(found ? prefix.size() : 0);
    return found;
}

bool strip_suffix(std::string_view& text, std::string_view suffix) {
    const bool found = text.ends_with(suffix);
    text.remove_suffix(found ? suffix.size() : 0);
    return found;
}

// A pod's UID with dashes: a UUID, or 32 digits for static pods (kubelet: the MD5 of the pod's configuration). The
// systemd driver writes '_' for '-', which would be a level of the tree in a slice's name.
std::optional<std::string> pod_uid_of(std::string_view text) {
    constexpr std::string_view kUuidShape = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    std::string uid(text.substr(0, kUuidShape.size() + 1));
    std::ranges::replace(uid, '_', '-');
    if (uid.size() == 32 && std::ranges::all_of(uid, is_hex)) {
        return uid;
    }
    const bool is_uuid = uid.size() == kUuidShape.size() && std::ranges::equal(uid, kUuidShape, [](char c, char shape) {
                             return shape == '-' ? c == '-' : is_hex(c);
                         });
    return is_uuid ? std::optional(uid) : std::nullopt;
}

QosClass qos_named(std::string_view name) {
    if (name == "burstable") {
        return QosClass::burstable;
    }
    if (name == "besteffort") {
        return QosClass::best_effort;
    }
    return name == "kubepods" ? QosClass::guaranteed : QosClass::none;
}

// What stands before an id, as "PREFIX-ID.scope" (systemd driver), "PREFIX-ID", "SLICE:PREFIX:ID" (the systemd driver's
// notation given to a runtime that uses cgroupfs) or as a directory above it: "/docker/ID", "/ecs/TASK/ID",
// "/default/ID" (nerdctl and ctr: the containerd namespace).
Runtime runtime_named(std::string_view prefix) {
    static constexpr std::array<std::pair<std::string_view, Runtime>, 10> kRuntimes = {{
        {"cri-containerd", Runtime::containerd},
        {"nerdctl", Runtime::containerd},
        {"default", Runtime::containerd},
        {"k8s.io", Runtime::containerd},
        {"crio", Runtime::cri_o},
        {"docker", Runtime::docker},
        {"ecs", Runtime::docker},
        {"libpod", Runtime::podman},
        {"libpod-payload", Runtime::podman},
        {"libpod_parent", Runtime::podman},
    }};
    const auto* const found = std::ranges::find(kRuntimes, prefix, &std::pair<std::string_view, Runtime>::first);
    return found != kRuntimes.end() ? found->second : Runtime::none;
}

// Walks a path from the root towards the leaf; what is further in overrides what is further out.
class Walk {
  public:
    void component(std::string_view name) {
        // A colon is a legal character of unit names too ("dbus-:1.2-org.example@0.service"): it separates only where
        // an id follows.
        const std::size_t colon = name.rfind(':');
        if (colon != std::string_view::npos && is_container_id(name.substr(colon + 1))) {
            for (std::size_t end = name.find(':'); end != std::string_view::npos; end = name.find(':')) {
                element(name.substr(0, end));
                name.remove_prefix(end + 1);
            }
        }
        element(name);
    }

    PathFacts take() { return std::move(facts_); }

  private:
    void element(std::string_view name) {
        if (!read_pod(name) && !read_hashed_container(name) && !read_named_container(name)) {
            read_unit(name);
            if (const Runtime runtime = runtime_named(name); runtime != Runtime::none) {
                parent_runtime_ = runtime;
            }
        }
        previous_ = name;
    }

    // "pod<uid>" below "kubepods" or "kubepods/burstable"; "kubepods-burstable-pod<uid>.slice".
    bool read_pod(std::string_view name) {
        std::string_view qos = previous_;
        std::string_view uid_text = name;
        if (strip_suffix(uid_text, ".slice")) {
            const std::size_t dash = uid_text.rfind("-pod");
            if (dash == std::string_view::npos || uid_text.find("kubepods") == std::string_view::npos) {
                return false;
            }
            qos = uid_text.substr(0, dash);
            qos.remove_prefix(qos.rfind('-') + 1); // npos + 1 == 0: the whole text
            uid_text.remove_prefix(dash + 1);
        }
        if (!strip_prefix(uid_text, "pod")) {
            return false;
        }
        std::optional<std::string> uid = pod_uid_of(uid_text);
        if (!uid) {
            return false;
        }
        // A container outside of the pod is its node (kind), not the process's container.
        facts_.runtime = Runtime::none;
        facts_.container_id.clear();
        facts_.enclosing_ids.clear();
        facts_.pod_uid = std::move(*uid);
        facts_.qos = qos_named(qos);
        parent_runtime_ = Runtime::none;
        return true;
    }

    // "<id>", "PREFIX-<id>", "PREFIX-<id>.scope".
    bool read_hashed_container(std::string_view name) {
        strip_suffix(name, ".scope");
        if (name.size() < kIdSize || !is_container_id(name.substr(name.size() - kIdSize))) {
            return false;
        }
        const std::string_view id = name.substr(name.size() - kIdSize);
        std::string_view prefix = name.substr(0, name.size() - kIdSize);
        Runtime runtime = parent_runtime_;
        if (!prefix.empty()) {
            if (!strip_suffix(prefix, "-")) {
                return false;
            }
            // The runtime's monitor: beside the container, not in it. It is no unit either, its scope's name is as
            // short-lived as the container.
            if (prefix.ends_with("conmon")) {
                return true;
            }
            runtime = runtime_named(prefix);
        }
        enter_container(runtime == Runtime::none ? Runtime::unknown : runtime, id);
        return true;
    }

    // Runtimes that call a container by its name.
    bool read_named_container(std::string_view name) {
        if (name.starts_with("lxc.monitor.") || previous_ == "lxc.monitor") {
            return true;
        }
        std::string_view lxc = name;
        const bool has_prefix = strip_prefix(lxc, "lxc.payload."); // LXC 4 and later, LXD, Incus
        if ((has_prefix || previous_ == "lxc" || previous_ == "lxc.payload") && !lxc.empty()) {
            enter_container(Runtime::lxc, lxc);
            return true;
        }
        // systemd-nspawn puts itself into "supervisor" and the container into "payload", in a unit of its own or in the
        // machine's scope.
        std::string_view machine = previous_;
        const bool is_machine = (strip_prefix(machine, "systemd-nspawn@") && strip_suffix(machine, ".service")) ||
                                (strip_prefix(machine, "machine-") && strip_suffix(machine, ".scope"));
        if (name == "payload" && is_machine && !machine.empty()) {
            enter_container(Runtime::systemd_nspawn, machine);
            return true;
        }
        return false;
    }

    void read_unit(std::string_view name) {
        std::string_view stem = name;
        if ((!strip_suffix(stem, ".service") && !strip_suffix(stem, ".scope")) || stem.empty()) {
            return;
        }
        // Inside a unit, "init.scope" is where the unit's own systemd sits (user@1000.service): the
        // unit names it better.
        if (name != "init.scope" || facts_.unit.empty()) {
            facts_.unit = name;
        }
    }

    void enter_container(Runtime runtime, std::string_view id) {
        std::vector<std::string>& enclosing = facts_.enclosing_ids;
        if (is_container_id(facts_.container_id)) {
            enclosing.insert(enclosing.begin(), facts_.container_id);
            enclosing.resize(std::min(enclosing.size(), kMaxEnclosing));
        }
        facts_.runtime = runtime;
        facts_.container_id = id;
        parent_runtime_ = Runtime::none;
    }

    PathFacts facts_;
    std::string_view previous_;
    Runtime parent_runtime_ = Runtime::none; // said by a directory above; ends at the container or pod that it is about
};

} // namespace

PathFacts parse_cgroup_path(std::string_view path) {
    Walk walk;
    while (!path.empty()) {
        const std::size_t slash = std::min(path.find('/'), path.size());
        const std::string_view name = path.substr(0, slash);
        if (!name.empty() && name != "." && name != "..") {
            walk.component(name);
        }
        path.remove_prefix(std::min(slash + 1, path.size()));
    }
    return walk.take();
}

} // namespace knell

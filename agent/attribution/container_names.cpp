#include "agent/attribution/container_names.hpp"

#include "agent/attribution/json_strings.hpp"
#include "agent/attribution/words.hpp"

#include <map>
#include <span>
#include <utility>

namespace knell {

namespace {

using Path = std::span<const std::string>;
using Strings = std::map<std::string, std::string, std::less<>>;

// The strings of the object below these keys.
std::optional<Strings> strings_of(std::string_view json, std::string_view object) {
    Strings found;
    const bool whole = for_each_json_string(json, [&](Path path, const std::string& value) {
        if (path.size() == 2 && path[0] == object) {
            found.insert_or_assign(path[1], value);
        }
    });
    return whole ? std::optional(std::move(found)) : std::nullopt;
}

std::string value_of(const Strings& strings, std::string_view key) {
    const auto found = strings.find(key);
    return found != strings.end() ? found->second : std::string();
}

// What a runtime calls these in its annotations or labels.
struct Keys {
    std::string_view name_space;
    std::string_view pod;
    std::string_view container;
    std::string_view type;
    std::string_view sandbox; // the type of a sandbox
};

// containerd: internal/cri/annotations; CRI-O: internal/annotations; cri-dockerd: libdocker labels, which are the
// kubelet's.
constexpr Keys kContainerd = {"io.kubernetes.cri.sandbox-namespace", "io.kubernetes.cri.sandbox-name",
                              "io.kubernetes.cri.container-name", "io.kubernetes.cri.container-type", "sandbox"};
constexpr Keys kCriO = {"io.kubernetes.pod.namespace", "io.kubernetes.pod.name", "io.kubernetes.container.name",
                        "io.kubernetes.cri-o.ContainerType", "sandbox"};
constexpr Keys kCriDockerd = {"io.kubernetes.pod.namespace", "io.kubernetes.pod.name", "io.kubernetes.container.name",
                              "io.kubernetes.docker.type", "podsandbox"};

std::optional<ContainerNames> names_by(const Keys& keys, const Strings& strings) {
    ContainerNames names{.name_space = value_of(strings, keys.name_space),
                         .pod = value_of(strings, keys.pod),
                         .container = value_of(strings, keys.container)};
    if (value_of(strings, keys.type) == keys.sandbox) {
        names.container = kSandboxName;
    }
    return names.name_space.empty() || names.pod.empty() ? std::nullopt : std::optional(std::move(names));
}

} // namespace

std::optional<ContainerNames> names_in_bundle(std::string_view config_json) {
    const auto annotations = strings_of(config_json, "annotations");
    if (!annotations) {
        return std::nullopt;
    }
    for (const Keys& keys : {kContainerd, kCriO}) {
        if (auto names = names_by(keys, *annotations)) {
            return names;
        }
    }
    std::string nerdctl = value_of(*annotations, "nerdctl/name");
    return nerdctl.empty() ? std::nullopt : std::optional(ContainerNames{.container = std::move(nerdctl)});
}

std::optional<ContainerNames> names_in_docker_config(std::string_view config_json) {
    Strings labels;
    std::string name;
    const bool whole = for_each_json_string(config_json, [&](Path path, const std::string& value) {
        if (path.size() == 1 && path[0] == "Name") {
            name = value.starts_with('/') ? value.substr(1) : value;
        } else if (path.size() == 3 && path[0] == "Config" && path[1] == "Labels") {
            labels.insert_or_assign(path[2], value);
        }
    });
    if (!whole) {
        return std::nullopt;
    }
    if (auto names = names_by(kCriDockerd, labels)) {
        return names;
    }
    return name.empty() ? std::nullopt : std::optional(ContainerNames{.container = std::move(name)});
}

std::optional<ContainerNames> names_in_storage(std::string_view containers_json, std::string_view id) {
    // "id" comes before "names": containers/storage writes its struct in that order.
    bool ours = false;
    std::string name;
    const bool whole = for_each_json_string(containers_json, [&](Path path, const std::string& value) {
        if (path.size() == 2 && path[1] == "id") {
            ours = value == id;
        } else if (ours && name.empty() && path.size() == 3 && path[1] == "names") {
            name = value;
        }
    });
    return !whole || name.empty() ? std::nullopt : std::optional(ContainerNames{.container = std::move(name)});
}

std::optional<ContainerNames> names_in_log_link(std::string_view file, std::string_view id) {
    constexpr std::string_view kEnd = ".log";
    if (id.empty() || !file.ends_with(kEnd)) {
        return std::nullopt;
    }
    file.remove_suffix(kEnd.size());
    if (!file.ends_with(id)) {
        return std::nullopt;
    }
    file.remove_suffix(id.size());
    if (!file.ends_with('-')) {
        return std::nullopt;
    }
    file.remove_suffix(1);
    // None of the names may have an underscore (they are DNS labels or subdomains).
    const std::string_view pod = take_word(file, '_');
    const std::string_view name_space = take_word(file, '_');
    if (pod.empty() || name_space.empty() || file.empty()) {
        return std::nullopt;
    }
    return ContainerNames{
        .name_space = std::string(name_space), .pod = std::string(pod), .container = std::string(file)};
}

std::optional<ContainerNames> names_in_pod_logs(std::string_view directory, std::string_view pod_uid) {
    const std::string_view name_space = take_word(directory, '_');
    const std::string_view pod = take_word(directory, '_');
    if (pod_uid.empty() || directory != pod_uid || name_space.empty() || pod.empty()) {
        return std::nullopt;
    }
    return ContainerNames{.name_space = std::string(name_space), .pod = std::string(pod), .container = {}};
}

} // namespace knell

#include "agent/attribution/container_namer.hpp"

#include "agent/base/directory.hpp"
#include "agent/base/file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

namespace knell {

namespace {

constexpr std::size_t kMaxBundle = 4ULL << 20;
constexpr std::size_t kMaxStorage = 16ULL << 20;
// Pods and containers of a node are hundreds.
constexpr int kMaxEntries = 16384;

// Of containerd: Kubernetes', that of nerdctl and ctr, docker's.
constexpr std::array<std::string_view, 3> kContainerdNamespaces = {"k8s.io", "default", "moby"};

void note(NameMiss& miss, int error) {
    if (error != ENOENT && error != ENOTDIR) {
        miss = NameMiss::unreadable;
    }
}

template <typename Read>
std::optional<ContainerNames> in_file(const std::string& path, std::size_t max_bytes, NameMiss& miss,
                                      const Read& read) {
    const auto text = read_small_file(AT_FDCWD, path.c_str(), max_bytes);
    if (!text) {
        note(miss, text.error().errno_value);
        return std::nullopt;
    }
    return read(std::string_view(*text));
}

// The first entry of the directory that `read` can name.
template <typename Read>
std::optional<ContainerNames> in_directory(const std::string& path, NameMiss& miss, const Read& read) {
    std::optional<ContainerNames> names;
    int entries = 0;
    const auto listed = for_each_entry(AT_FDCWD, path.c_str(), [&](const dirent& entry) {
        names = read(std::string_view(entry.d_name));
        return !names && ++entries < kMaxEntries;
    });
    if (!listed) {
        note(miss, listed.error().errno_value);
    }
    return names;
}

// Under what its names are remembered; empty: there is nothing to look up. LXC and systemd-nspawn have the name in the
// path.
std::string_view key_of(const PathFacts& facts) {
    if (facts.runtime == Runtime::lxc || facts.runtime == Runtime::systemd_nspawn) {
        return {};
    }
    return facts.container_id.empty() ? facts.pod_uid : facts.container_id;
}

} // namespace

std::vector<std::string> present(const NamePaths& paths) {
    std::vector<std::string> found;
    for (const auto* kind :
         {&paths.containerd, &paths.storage, &paths.docker, &paths.container_logs, &paths.pod_logs}) {
        std::ranges::copy_if(*kind, std::back_inserter(found),
                             [](const std::string& path) { return ::access(path.c_str(), F_OK) == 0; });
    }
    return found;
}

Naming ContainerNamer::find(const PathFacts& facts) {
    const std::string_view key = key_of(facts);
    if (key.empty()) {
        return {};
    }
    if (const Naming* known = known_.find(key)) {
        return *known;
    }
    Naming naming = look_up(facts);
    known_.insert(std::string(key), naming);
    return naming;
}

Naming ContainerNamer::find_again(const PathFacts& facts) {
    known_.erase(key_of(facts));
    return find(facts);
}

void ContainerNamer::stop_asking(const PathFacts& facts) {
    const std::string_view key = key_of(facts);
    Naming naming = find(facts);
    if (naming.miss != NameMiss::none) {
        naming.miss = NameMiss::none;
        known_.erase(key);
        known_.insert(std::string(key), std::move(naming));
    }
}

Naming ContainerNamer::look_up(const PathFacts& facts) const {
    NameMiss miss = NameMiss::no_metadata;
    std::vector<std::string> ids = facts.enclosing_ids;
    if (!facts.container_id.empty()) {
        ids.insert(ids.begin(), facts.container_id);
    }
    for (const std::string& id : ids) {
        if (auto names = of_container(id, miss)) {
            return {.names = std::move(names), .miss = NameMiss::none};
        }
    }
    if (auto names = of_pod(facts.pod_uid, miss)) {
        // Which of the pod's containers it is stays open, and its log may still say.
        const bool whole = facts.container_id.empty();
        return {.names = std::move(names), .miss = whole ? NameMiss::none : miss};
    }
    return {.names = std::nullopt, .miss = miss};
}

// The path does not always say which runtime it is: the same id means nothing to the others.
std::optional<ContainerNames> ContainerNamer::of_container(std::string_view id, NameMiss& miss) const {
    for (const std::string& state : paths_.containerd) {
        for (const std::string_view space : kContainerdNamespaces) {
            const std::string bundle =
                fmt::format("{}/io.containerd.runtime.v2.task/{}/{}/config.json", state, space, id);
            if (auto names = in_file(bundle, kMaxBundle, miss, names_in_bundle)) {
                return names;
            }
        }
    }
    for (const std::string& storage : paths_.storage) {
        const std::string bundle = fmt::format("{}/overlay-containers/{}/userdata/config.json", storage, id);
        if (auto names = in_file(bundle, kMaxBundle, miss, names_in_bundle)) {
            return names;
        }
    }
    for (const std::string& root : paths_.docker) {
        const std::string config = fmt::format("{}/containers/{}/config.v2.json", root, id);
        if (auto names = in_file(config, kMaxBundle, miss, names_in_docker_config)) {
            return names;
        }
    }
    for (const std::string& storage : paths_.storage) {
        const std::string list = storage + "/overlay-containers/containers.json";
        const auto read = [id](std::string_view text) { return names_in_storage(text, id); };
        if (auto names = in_file(list, kMaxStorage, miss, read)) {
            return names;
        }
    }
    for (const std::string& logs : paths_.container_logs) {
        const auto read = [id](std::string_view file) { return names_in_log_link(file, id); };
        if (auto names = in_directory(logs, miss, read)) {
            return names;
        }
    }
    return std::nullopt;
}

std::optional<ContainerNames> ContainerNamer::of_pod(std::string_view uid, NameMiss& miss) const {
    if (uid.empty()) {
        return std::nullopt;
    }
    for (const std::string& logs : paths_.pod_logs) {
        const auto read = [uid](std::string_view directory) { return names_in_pod_logs(directory, uid); };
        if (auto names = in_directory(logs, miss, read)) {
            return names;
        }
    }
    return std::nullopt;
}

} // namespace knell

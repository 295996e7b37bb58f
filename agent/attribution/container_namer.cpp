#include "agent/attribution/container_namer.hpp"

#include "agent/base/file.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
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
    struct Close {
        void operator()(DIR* directory) const { (void)::closedir(directory); }
    };
    const std::unique_ptr<DIR, Close> directory(::opendir(path.c_str()));
    if (!directory) {
        note(miss, errno);
        return std::nullopt;
    }
    for (int entries = 0; entries < kMaxEntries; ++entries) {
        const dirent* entry = ::readdir(directory.get());
        if (entry == nullptr) {
            break;
        }
        if (auto names = read(std::string_view(entry->d_name))) {
            return names;
        }
    }
    return std::nullopt;
}

// Under what its names are remembered; empty: there is nothing to look up. LXC and systemd-nspawn have the name in the
// path.
std::string_view key_of(const PathFacts& facts) {
    if (facts.runtime == Runtime::lxc || facts.runtime == Runtime::systemd_nspawn) {
        return {};
    }
    return facts.container_id.empty() ? facts.pod_uid : facts.container_id;
}

std::string join(std::initializer_list<std::string_view> parts) {
    std::string whole;
    for (const std::string_view part : parts) {
        whole += part;
    }
    return whole;
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

Naming ContainerNamer::look_up(const PathFacts& facts) const {
    NameMiss miss = NameMiss::no_metadata;
    if (!facts.container_id.empty()) {
        if (auto names = of_container(facts.container_id, miss)) {
            return {.names = std::move(names), .miss = NameMiss::none};
        }
    }
    for (const std::string& id : facts.enclosing_ids) {
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
            const std::string bundle = join({state, "/io.containerd.runtime.v2.task/", space, "/", id, "/config.json"});
            if (auto names = in_file(bundle, kMaxBundle, miss, names_in_bundle)) {
                return names;
            }
        }
    }
    for (const std::string& storage : paths_.storage) {
        const std::string bundle = join({storage, "/overlay-containers/", id, "/userdata/config.json"});
        if (auto names = in_file(bundle, kMaxBundle, miss, names_in_bundle)) {
            return names;
        }
    }
    for (const std::string& root : paths_.docker) {
        const std::string config = join({root, "/containers/", id, "/config.v2.json"});
        if (auto names = in_file(config, kMaxBundle, miss, names_in_docker_config)) {
            return names;
        }
    }
    for (const std::string& storage : paths_.storage) {
        const std::string list = join({storage, "/overlay-containers/containers.json"});
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

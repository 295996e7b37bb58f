#pragma once

#include "agent/attribution/bounded_cache.hpp"
#include "agent/attribution/cgroup_path.hpp"
#include "agent/attribution/container_names.hpp"
#include "agent/attribution/name_paths.hpp"
#include "agent/base/result.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace knell {

// Why a container has no name.
enum class NameMiss : std::uint8_t {
    none,
    no_metadata, // nothing on this node speaks of it, or what does has no names in it
    unreadable,  // something is there that may not be read: a privilege is missing
};
inline constexpr std::array<std::string_view, 2> kNameMissNames = {"no_metadata", "unreadable"};

struct Naming {
    std::optional<ContainerNames> names;
    NameMiss miss = NameMiss::none; // none: it has names, is no container, or is not asked for any more
};

// Those of the directories that exist now.
std::vector<std::string> present(const NamePaths& paths);

// Asks the files that runtimes and the kubelet leave on the node what a container is called. What was answered is
// remembered: names outlast the files, and a storm of cgroups in one container reads them once. Loop thread only.
class ContainerNamer {
  public:
    explicit ContainerNamer(NamePaths paths) : paths_(std::move(paths)) {}

    // About twenty system calls for a container that was not asked for before, and a file of 10 to 100 KiB where there
    // is one; none afterwards. A process in no container of a pod is given the pod's names.
    //
    // Of nested containers the innermost that has names gives them: what runs in docker inside of a pod is known as the
    // pod's container, whose files are the ones on this node.
    Naming find(const PathFacts& facts);

    // Asks once more: files may come later than the first process.
    Naming find_again(const PathFacts& facts);

    // What is known of it now is all: no miss from now on.
    void stop_asking(const PathFacts& facts);

  private:
    // Above the containers of a node and those that ended within the hour; about 300 bytes each.
    static constexpr std::size_t kCapacity = 4096;

    struct TextHash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
    };

    [[nodiscard]] Naming look_up(const PathFacts& facts) const;
    [[nodiscard]] std::optional<ContainerNames> of_container(std::string_view id, NameMiss& miss) const;
    [[nodiscard]] std::optional<ContainerNames> of_pod(std::string_view uid, NameMiss& miss) const;

    NamePaths paths_;
    BoundedCache<std::string, Naming, TextHash, std::equal_to<>> known_{kCapacity}; // by container id, else by pod uid
};

} // namespace knell

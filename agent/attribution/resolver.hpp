#pragma once

#include "agent/attribution/bounded_cache.hpp"
#include "agent/attribution/cgroup_path.hpp"
#include "agent/attribution/container_namer.hpp"
#include "agent/attribution/hierarchies.hpp"
#include "agent/attribution/lookup.hpp"
#include "agent/attribution/make_place.hpp"
#include "agent/attribution/place.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace knell {

// The cgroups of a process by their kernfs ids, as the kernel side records them. 0 = the host has no such hierarchy.
struct CgroupIds {
    std::uint64_t v2 = 0;
    std::uint64_t v1_memory = 0;
    bool operator==(const CgroupIds&) const = default;
};

struct Resolved {
    std::shared_ptr<const Place> place; // null on a miss
    Miss miss = Miss::none;
    bool first_seen = false;           // the place was made by this call: also when it had been evicted before
    NameMiss unnamed = NameMiss::none; // with first_seen: why the container has no name in it
};

// Tells where processes live, or lived: an answer outlasts its cgroup. Loop thread only.
class PlaceResolver {
  public:
    // Above the 1,000 or so cgroups of a busy node; with the strings about 10 MiB when it is full.
    static constexpr std::size_t kCapacity = 16384;

    // Keeps at most `capacity` answers by id and as many by path.
    PlaceResolver(Hierarchies hierarchies, AttributionMode mode, NamePaths names, std::size_t capacity = kCapacity);

    // One system call on an id's first appearance and two more when its cgroup exists (twice that where v2 does not
    // decide), none afterwards: misses are remembered as well, so that a storm in a removed cgroup stays cheap. Only a
    // refusal that may pass (no descriptors, no memory) is asked again.
    Resolved resolve(CgroupIds ids);

    // The same for a path as path_from_proc_cgroup() gives it; no system call, never a miss.
    Resolved resolve_path(std::string_view path);

    // For a place that resolve() (`path` is empty), or resolve_path() (`ids` are zeros) gave without a name: looks for
    // it again. A place with the name takes its place in all further answers, and is returned as first seen; null:
    // there is still none.
    Resolved name_again(CgroupIds ids, const std::string& path, const Place& place);
    // Its container stays without: none of its places is unnamed from now on.
    void stop_naming(const Place& place) { namer_.stop_asking(parse_cgroup_path(place.cgroup)); }

    // True when one of the cgroups was removed: no process can have these ids any more. One system call per hierarchy;
    // where the kernel does not tell, the answer is false.
    [[nodiscard]] bool gone(CgroupIds ids) const;
    // The same by path, for places that no id is known of: true when no hierarchy has it any more.
    [[nodiscard]] bool path_gone(const std::string& path) const;
    // Answers that are remembered, by id and by path; at most the capacity each.
    [[nodiscard]] std::size_t ids_known() const { return by_ids_.size(); }
    [[nodiscard]] std::size_t paths_known() const { return by_path_.size(); }
    // A cgroup of this path that comes later is another one: resolve_path() makes a new place for it.
    void forget_path(const std::string& path) { by_path_.erase(path); }

  private:
    struct Answer {
        std::shared_ptr<const Place> place;
        Miss miss = Miss::none;
    };
    struct IdsHash {
        std::size_t operator()(const CgroupIds& ids) const;
    };
    struct PathHash {
        using is_transparent = void;
        std::size_t operator()(std::string_view path) const { return std::hash<std::string_view>()(path); }
    };

    struct Made {
        std::shared_ptr<const Place> place;
        NameMiss unnamed = NameMiss::none;
    };
    Made make(std::string_view path);

    // Pathological paths of up to PATH_MAX are not worth remembering.
    static constexpr std::size_t kMaxCachedPath = 512;

    Hierarchies hierarchies_;
    AttributionMode mode_;
    ContainerNamer namer_;
    BoundedCache<CgroupIds, Answer, IdsHash, std::equal_to<>> by_ids_;
    BoundedCache<std::string, std::shared_ptr<const Place>, PathHash, std::equal_to<>> by_path_;
};

} // namespace knell

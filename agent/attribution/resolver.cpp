#include "agent/attribution/resolver.hpp"

#include <unistd.h>

#include <cerrno>
#include <optional>
#include <utility>

namespace knell {

namespace {

// What one hierarchy says, and whether asking again could give another answer.
struct Asked {
    Lookup lookup;
    bool final = true;
};

bool may_pass(int error) {
    return error == EMFILE || error == ENFILE || error == ENOMEM || error == EINTR;
}

Asked ask(const std::optional<Mount>& mount, std::uint64_t id) {
    if (!mount || id == 0) {
        return {.lookup = {.path = {}, .miss = Miss::no_cgroup}};
    }
    auto path = cgroup_path(*mount, id);
    if (path) {
        return {.lookup = {.path = std::move(*path), .miss = Miss::none}};
    }
    const int error = path.error().errno_value;
    return {.lookup = {.path = {}, .miss = error == ESTALE ? Miss::cgroup_gone : Miss::cgroup_unreadable},
            .final = !may_pass(error)};
}

bool is_gone(const std::optional<Mount>& mount, std::uint64_t id) {
    if (!mount || id == 0) {
        return false;
    }
    const auto cgroup = open_cgroup(*mount, id);
    return !cgroup && cgroup.error().errno_value == ESTALE;
}

} // namespace

PlaceResolver::PlaceResolver(Hierarchies hierarchies, AttributionMode mode, NamePaths names, std::size_t capacity)
    : hierarchies_(std::move(hierarchies)), mode_(mode), namer_(std::move(names)), by_ids_(capacity),
      by_path_(capacity) {}

PlaceResolver::Made PlaceResolver::make(std::string_view path) {
    Place place = make_place(path, mode_);
    NameMiss unnamed = NameMiss::none;
    if (!place.container_id.empty() || !place.pod_uid.empty()) {
        const Naming naming = namer_.find(parse_cgroup_path(path));
        if (naming.names) {
            put_names(*naming.names, place);
        }
        unnamed = naming.miss;
    }
    return {.place = std::make_shared<const Place>(std::move(place)), .unnamed = unnamed};
}

Resolved PlaceResolver::resolve(CgroupIds ids) {
    if (const Answer* known = by_ids_.find(ids)) {
        return {.place = known->place, .miss = known->miss, .first_seen = false};
    }
    Asked asked = ask(hierarchies_.v2, ids.v2);
    if (!below_root(asked.lookup)) {
        Asked v1_memory = ask(hierarchies_.v1_memory, ids.v1_memory);
        asked = {.lookup = choose(std::move(asked.lookup), std::move(v1_memory.lookup)),
                 .final = asked.final && v1_memory.final};
    }
    Answer answer{.place = nullptr, .miss = asked.lookup.miss};
    NameMiss unnamed = NameMiss::none;
    if (answer.miss == Miss::none) {
        Made made = make(asked.lookup.path);
        answer.place = std::move(made.place);
        unnamed = made.unnamed;
    }
    if (asked.final) {
        by_ids_.insert(ids, answer);
    }
    const bool first_seen = answer.place != nullptr;
    return {.place = std::move(answer.place), .miss = answer.miss, .first_seen = first_seen, .unnamed = unnamed};
}

Resolved PlaceResolver::resolve_path(std::string_view path) {
    if (const auto* known = by_path_.find(path)) {
        return {.place = *known, .miss = Miss::none, .first_seen = false};
    }
    Made made = make(path);
    if (path.size() <= kMaxCachedPath) {
        by_path_.insert(std::string(path), made.place);
    }
    return {.place = std::move(made.place), .miss = Miss::none, .first_seen = true, .unnamed = made.unnamed};
}

Resolved PlaceResolver::name_again(CgroupIds ids, const std::string& path, const Place& place) {
    const PathFacts facts = parse_cgroup_path(place.cgroup);
    if (facts.container_id != place.container_id || facts.pod_uid != place.pod_uid) {
        return {.place = nullptr, .unnamed = NameMiss::no_metadata}; // the path in the place is cut: it tells no more
    }
    const Naming naming = namer_.find_again(facts);
    if (naming.miss != NameMiss::none) {
        return {.place = nullptr, .unnamed = naming.miss};
    }
    Place named = place;
    put_names(*naming.names, named);
    auto answer = std::make_shared<const Place>(std::move(named));
    if (ids == CgroupIds{}) {
        by_path_.erase(path);
        by_path_.insert(path, answer);
    } else {
        by_ids_.erase(ids);
        by_ids_.insert(ids, {.place = answer, .miss = Miss::none});
    }
    return {.place = std::move(answer), .first_seen = true};
}

bool PlaceResolver::gone(CgroupIds ids) const {
    return is_gone(hierarchies_.v2, ids.v2) || is_gone(hierarchies_.v1_memory, ids.v1_memory);
}

bool PlaceResolver::path_gone(const std::string& path) const {
    bool asked = false;
    for (const auto* mount : {&hierarchies_.v2, &hierarchies_.v1_memory}) {
        // Through a mount of a part of the tree, absence proves nothing.
        if (*mount && (*mount)->whole) {
            asked = true;
            if (::faccessat((*mount)->directory.get(), ("." + path).c_str(), F_OK, 0) == 0 || errno != ENOENT) {
                return false;
            }
        }
    }
    return asked;
}

std::size_t PlaceResolver::IdsHash::operator()(const CgroupIds& ids) const {
    // Ids are small and consecutive: one is spread over the word so that pairs differ in the low bits, which choose the
    // bucket. The factor is 2^64 divided by the golden ratio.
    const std::uint64_t mixed = (ids.v2 * 0x9E37'79B9'7F4A'7C15ULL) ^ ids.v1_memory;
    return static_cast<std::size_t>(mixed ^ (mixed >> 32U));
}

} // namespace knell

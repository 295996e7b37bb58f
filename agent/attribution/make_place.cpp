#include "agent/attribution/make_place.hpp"

#include "agent/attribution/cgroup_path.hpp"
#include "agent/base/text.hpp"

namespace knell {

namespace {

constexpr std::size_t kMaxCgroup = 512;
// The limit of Kubernetes and DNS for names; ids and UIDs are shorter.
constexpr std::size_t kMaxLabel = 253;
// How much of an id every container tool prints.
constexpr std::size_t kShortId = 12;

bool container_has_name(Runtime runtime) {
    return runtime == Runtime::lxc || runtime == Runtime::systemd_nspawn;
}

} // namespace

Place make_place(std::string_view cgroup_path, AttributionMode mode) {
    Place place;
    place.cgroup = to_utf8(cgroup_path, kMaxCgroup);
    if (mode == AttributionMode::none) {
        return place;
    }
    const PathFacts facts = parse_cgroup_path(cgroup_path);
    if (mode != AttributionMode::systemd) {
        place.pod_uid = to_utf8(facts.pod_uid, kMaxLabel);
        place.container_id = to_utf8(facts.container_id, kMaxLabel);
        place.container =
            container_has_name(facts.runtime) ? place.container_id : place.container_id.substr(0, kShortId);
    }
    if (mode == AttributionMode::systemd || (mode == AttributionMode::automatic && facts.container_id.empty())) {
        place.unit = to_utf8(facts.unit, kMaxLabel);
    }
    return place;
}

void put_names(const ContainerNames& names, Place& place) {
    place.name_space = to_utf8(names.name_space, kMaxLabel);
    place.pod = to_utf8(names.pod, kMaxLabel);
    if (!names.container.empty()) {
        place.container = to_utf8(names.container, kMaxLabel);
    }
}

} // namespace knell

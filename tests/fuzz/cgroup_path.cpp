// Paths of cgroups, which whoever a subtree was delegated to may name as they like, on their way to labels.
#include "agent/attribution/cgroup_path.hpp"

#include "agent/attribution/make_place.hpp"
#include "agent/attribution/system_unit.hpp"
#include "tests/fuzz/promise.hpp"

#include <string>
#include <string_view>

namespace knell::fuzz {
namespace {

bool is_hex(std::string_view text) {
    return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

void check_facts(const PathFacts& facts, std::string_view path) {
    require(path.contains(facts.container_id) && path.contains(facts.unit), "names are pieces of the path");
    require(facts.runtime != Runtime::none || facts.container_id.empty(), "a container has a runtime");
    const bool has_name = facts.runtime == Runtime::lxc || facts.runtime == Runtime::systemd_nspawn;
    require(facts.container_id.empty() || has_name || (facts.container_id.size() == 64 && is_hex(facts.container_id)),
            "a container's id is 64 hexadecimal digits", facts.container_id);
    require(facts.enclosing_ids.size() <= 4, "no more containers around it than are asked for");
    require(facts.enclosing_ids.empty() || !facts.container_id.empty(), "containers are around a container");
    for (const std::string& id : facts.enclosing_ids) {
        require(id.size() == 64 && is_hex(id) && path.contains(id), "they have ids of the path", id);
    }
    require(facts.pod_uid.empty() || facts.pod_uid.size() == 36 ||
                (facts.pod_uid.size() == 32 && is_hex(facts.pod_uid)),
            "a pod's UID has a UUID's form", facts.pod_uid);
    require(facts.unit.empty() || facts.unit.ends_with(".service") || facts.unit.ends_with(".scope"),
            "a unit is a service or a scope", facts.unit);
    for (const std::string& name : {facts.container_id, facts.pod_uid, facts.unit}) {
        require(!name.contains('/'), "a name has no slash", name);
    }
}

void check_place(const Place& place) {
    require(is_utf8(place.cgroup) && place.cgroup.size() <= 512, "the path is bounded UTF-8", place.cgroup);
    for (const std::string& label :
         {place.name_space, place.pod, place.pod_uid, place.container, place.container_id, place.unit}) {
        require(is_utf8(label) && label.size() <= 253, "a label is bounded UTF-8", label);
    }
    require(place.unit.empty() || place.container_id.empty(), "a container is in no unit", place.unit);
}

} // namespace
} // namespace knell::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace knell;
    const std::string_view path = fuzz::as_text(data, size);
    const PathFacts facts = parse_cgroup_path(path);
    fuzz::check_facts(facts, path);
    const PathFacts again = parse_cgroup_path("//./" + std::string(path) + "//");
    fuzz::require(again.container_id == facts.container_id && again.enclosing_ids == facts.enclosing_ids &&
                      again.pod_uid == facts.pod_uid && again.unit == facts.unit,
                  "empty elements change nothing");

    fuzz::check_place(make_place(path, AttributionMode::automatic));
    fuzz::check_place(make_place(path, AttributionMode::kubernetes));
    fuzz::check_place(make_place(path, AttributionMode::systemd));
    const std::string_view unit = system_unit(path);
    fuzz::require(unit.empty() || (path.starts_with("/system.slice/") && !unit.contains('/')),
                  "only the system's manager names units", unit);
    return 0;
}

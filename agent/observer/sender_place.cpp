#include "agent/observer/sender_place.hpp"

#include "agent/attribution/system_unit.hpp"

namespace knell {

SenderPlace compare_places(const Place* sender, const Place* victim) {
    SenderPlace place;
    if (sender == nullptr) {
        return place;
    }
    place.known = true;
    place.in_container = !sender->container_id.empty();
    place.unit = system_unit(sender->cgroup);
    if (victim != nullptr) {
        place.victim_in_container = !victim->container_id.empty();
        place.same_place_as_victim =
            place.in_container ? sender->container_id == victim->container_id
                               : !place.victim_in_container && !sender->unit.empty() && sender->unit == victim->unit;
    }
    return place;
}

} // namespace knell

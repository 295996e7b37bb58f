#include "exporters/console/event_filter.hpp"

#include "agent/base/text.hpp"

#include <algorithm>
#include <variant>

namespace knell {

namespace {

bool wants_kind(const EventFilter& filter, const Event& event) {
    if (const Exit* exit = std::get_if<Exit>(&event)) {
        return filter.exits &&
               (filter.reasons.empty() || std::ranges::find(filter.reasons, exit->reason) != filter.reasons.end());
    }
    if (std::holds_alternative<PidfdOpen>(event)) {
        return filter.pidfds;
    }
    return std::holds_alternative<Exec>(event) ? filter.execs : filter.reaps && filter.reasons.empty();
}

} // namespace

bool EventFilter::matches(const Event& event) const {
    if (!wants_kind(*this, event)) {
        return false;
    }
    const ProcessIdentity& process =
        std::visit([](const auto& happened) -> const ProcessIdentity& { return happened.process; }, event);
    if (!comm_glob.empty() && !glob_match(comm_glob, process.comm)) {
        return false;
    }
    if (container_glob.empty()) {
        return true;
    }
    const Place* place = process.place.get();
    return place != nullptr && !place->container.empty() &&
           (glob_match(container_glob, place->container) || glob_match(container_glob, place->container_id));
}

} // namespace knell

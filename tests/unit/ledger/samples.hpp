#pragma once

#include "agent/event/event.hpp"

#include <memory>
#include <string>
#include <utility>

namespace knell {

// Places and events that tests put into a ledger.

inline std::shared_ptr<const Place> container_place(std::string name_space, std::string container,
                                                    std::string pod = "pod-1") {
    Place place;
    place.name_space = std::move(name_space);
    place.container = std::move(container);
    place.pod = std::move(pod);
    return std::make_shared<const Place>(std::move(place));
}

inline std::shared_ptr<const Place> unit_place(std::string unit) {
    Place place;
    place.unit = std::move(unit);
    return std::make_shared<const Place>(std::move(place));
}

inline Exit exit_of(std::shared_ptr<const Place> place, int code) {
    Exit exit;
    exit.process.place = std::move(place);
    exit.reason = code == 0 ? Reason::success : Reason::error;
    exit.exit_code = code;
    return exit;
}

inline Exit death_by(std::shared_ptr<const Place> place, int signal, KillerClass killer) {
    Exit exit;
    exit.process.place = std::move(place);
    exit.reason = Reason::signal;
    exit.signal = signal;
    exit.killer = Killer{.kind = killer, .pid = {}, .uid = {}, .comm = {}};
    return exit;
}

inline Reap reap_of(std::shared_ptr<const Place> place, Nanoseconds after) {
    Reap reap;
    reap.process.place = std::move(place);
    reap.reap = after;
    return reap;
}

} // namespace knell

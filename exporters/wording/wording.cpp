#include "exporters/wording/wording.hpp"

#include "agent/base/text.hpp"
#include "exporters/wording/cells.hpp"

#include <fmt/format.h>

#include <string_view>
#include <vector>

namespace knell {

namespace {

// Reasons that leave open which signal it was.
bool names_signal(Reason reason) {
    return reason == Reason::crash || reason == Reason::signal || reason == Reason::parent_death;
}

// What there is of the sender's number and name: "17 sh", "17", "".
std::string sender(const Killer& killer) {
    std::string text = killer.pid ? fmt::format(" {}", *killer.pid) : "";
    if (!killer.comm.empty()) {
        text += ' ' + to_terminal(killer.comm);
    }
    return text.empty() ? text : text.substr(1);
}

} // namespace

std::string reason_phrase(const Exit& exit) {
    std::string text(name(exit.reason));
    if (exit.oom_scope) {
        text += fmt::format(" {}", name(*exit.oom_scope));
    }
    if (exit.signal != 0 && names_signal(exit.reason)) {
        text += fmt::format(" {}", signal_name(exit.signal));
    }
    if (exit.core_dumped) {
        text += " (core)";
    }
    if (exit.reason == Reason::error && exit.exit_code) {
        text += fmt::format(" exit {}", *exit.exit_code);
    }
    if (exit.preceded_by != 0) {
        text += fmt::format(" after {}", signal_name(exit.preceded_by));
    }
    if (exit.spilled != 0) {
        text += fmt::format(" (spilled, {})", exit.spilled);
    }
    return text;
}

std::string killer_phrase(const Exit& exit) {
    if (!exit.killer) {
        return "-";
    }
    const Killer& killer = *exit.killer;
    const std::string who = sender(killer);
    const std::string_view kind = name(killer.kind);
    if (killer.kind == KillerClass::self || killer.kind == KillerClass::kernel || who.empty()) {
        return std::string(kind);
    }
    if (killer.kind == KillerClass::parent || killer.kind == KillerClass::child) {
        return fmt::format("{} {}", kind, who);
    }
    return fmt::format("{} ({})", who, kind);
}

std::string place_phrase(const Place* place, std::size_t width) {
    if (place == nullptr) {
        return "-";
    }
    std::vector<std::string> candidates; // the most detailed first
    Keep keep = Keep::head;
    if (!place->container.empty()) {
        if (!place->name_space.empty() && !place->pod.empty()) {
            candidates.push_back(fmt::format("{}/{}/{}", place->name_space, place->pod, place->container));
        }
        if (!place->name_space.empty()) {
            candidates.push_back(fmt::format("{}/{}", place->name_space, place->container));
        }
        candidates.push_back(place->container);
    } else if (!place->unit.empty()) {
        candidates.push_back(place->unit);
    } else if (!place->name_space.empty()) {
        candidates.push_back(place->name_space);
    } else if (!place->cgroup.empty()) {
        candidates.push_back(place->cgroup);
        keep = Keep::tail;
    } else {
        return "-";
    }
    for (std::string& candidate : candidates) {
        candidate = to_terminal(candidate);
        if (width == 0 || count_cells(candidate) <= width) {
            return candidate;
        }
    }
    return cut_to(candidates.back(), width, keep);
}

} // namespace knell

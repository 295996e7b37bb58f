#include "agent/observer/places.hpp"

#include "agent/attribution/proc_cgroup.hpp"
#include "agent/base/file.hpp"

#include <algorithm>

namespace knell {
namespace {

Unattributed why(Miss miss) {
    switch (miss) {
    case Miss::cgroup_gone:
        return Unattributed::cgroup_gone;
    case Miss::cgroup_unreadable:
        return Unattributed::cgroup_unreadable;
    default:
        return Unattributed::no_cgroup;
    }
}

} // namespace

Resolved Places::look_up(CgroupIds ids) {
    Resolved resolved = resolver_.resolve(ids);
    if (resolved.first_seen && resolved.place) {
        ledger_.discover(resolved.place);
        alive_.push_back({ids, resolved.place});
    }
    return resolved;
}

std::shared_ptr<const Place> Places::find_for_exit(CgroupIds ids) {
    Resolved resolved = look_up(ids);
    if (!resolved.place) {
        unattributed_[static_cast<std::size_t>(why(resolved.miss))].add();
    }
    return std::move(resolved.place);
}

std::shared_ptr<const Place> Places::find_for_process(const Fd& proc_directory) {
    const auto text = read_small_file(proc_directory.get(), "cgroup", 64 << 10);
    const auto path = text ? path_from_proc_cgroup(*text) : Result<std::string>(std::unexpected(text.error()));
    if (!path) {
        return nullptr; // reaped meanwhile
    }
    auto place = resolver_.place_for_path(*path);
    ledger_.discover(place);
    return place;
}

void Places::maintain(Instant now) {
    if (elapsed(last_maintained_, now) < kInterval) {
        return;
    }
    last_maintained_ = now;
    for (std::size_t checks = std::min(kChecksPerInterval, alive_.size()); checks > 0; --checks) {
        next_check_ = next_check_ < alive_.size() ? next_check_ : 0;
        Known& known = alive_[next_check_];
        if (resolver_.gone(known.ids)) {
            ledger_.place_gone(known.place, now);
            known = std::move(alive_.back());
            alive_.pop_back();
        } else {
            ++next_check_;
        }
    }
    ledger_.forget_gone(now);
}

} // namespace knell

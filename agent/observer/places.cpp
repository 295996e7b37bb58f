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
    welcome(resolved, ids);
    return resolved;
}

void Places::welcome(const Resolved& resolved, CgroupIds ids) {
    if (resolved.first_seen) {
        ledger_.discover(resolved.place);
        // More places at once than the resolver remembers: the latest stay in the metrics until the agent's end.
        if (alive_.size() < PlaceResolver::kCapacity) {
            alive_.push_back({ids, resolved.place});
        }
        if (resolved.unnamed != NameMiss::none && unnamed_.size() < kMaxUnnamed) {
            unnamed_.push_back({.known = {ids, resolved.place}, .why = resolved.unnamed});
        } else if (resolved.unnamed != NameMiss::none) {
            give_up_naming(resolved.unnamed);
        }
    }
}

std::shared_ptr<const Place> Places::find_for_exit(CgroupIds ids, std::shared_ptr<const Place> before) {
    Resolved resolved = look_up(ids);
    if (!resolved.place && before) {
        return before;
    }
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
    Resolved resolved = resolver_.resolve_path(*path);
    welcome(resolved, {});
    return std::move(resolved.place);
}

bool Places::gone(const Known& known) const {
    return known.ids == CgroupIds{} ? resolver_.path_gone(known.place->cgroup) : resolver_.gone(known.ids);
}

void Places::maintain(Instant now) {
    ids_known_.set(resolver_.ids_known());
    paths_known_.set(resolver_.paths_known());
    alive_count_.set(alive_.size());
    if (elapsed(last_maintained_, now) < kInterval) {
        return;
    }
    last_maintained_ = now;
    look_for_names(now);
    check_alive(now);
    ledger_.forget_gone(now);
}

void Places::look_for_names(Instant now) {
    std::erase_if(unnamed_, [&](Unnamed& each) {
        if (each.next == 0) {
            each.next = now + kInterval;
        }
        if (now < each.next) {
            return false;
        }
        const Resolved resolved = resolver_.name_again(each.known.ids, *each.known.place);
        if (resolved.first_seen) {
            // What was counted under the id stays for metrics.retain.
            ledger_.discover(resolved.place);
            ledger_.place_gone(each.known.place, now);
            for (Known& known : alive_) {
                if (known.place == each.known.place) {
                    known.place = resolved.place;
                }
            }
            return true;
        }
        each.next = now + (kInterval << ++each.attempts);
        if (each.attempts == kNameAttempts) {
            give_up_naming(resolved.unnamed);
        }
        return each.attempts == kNameAttempts;
    });
}

void Places::check_alive(Instant now) {
    for (std::size_t checks = std::min(kChecksPerInterval, alive_.size()); checks > 0; --checks) {
        next_check_ = next_check_ < alive_.size() ? next_check_ : 0;
        Known& known = alive_[next_check_];
        if (gone(known)) {
            ledger_.place_gone(known.place, now);
            resolver_.forget_path(known.place->cgroup);
            known = std::move(alive_.back());
            alive_.pop_back();
        } else {
            ++next_check_;
        }
    }
}

} // namespace knell

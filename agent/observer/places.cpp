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

void Places::welcome(const Resolved& resolved, CgroupIds ids, const std::string& path) {
    if (resolved.first_seen) {
        ledger_.discover(resolved.place);
        // More places at once than the resolver remembers: the latest stay in the metrics until the agent's end.
        if (alive_.size() < PlaceResolver::kCapacity) {
            alive_.push_back({ids, resolved.place, path});
        }
        if (resolved.unnamed != NameMiss::none) {
            note_unnamed({ids, resolved.place, path}, resolved.unnamed);
        }
    }
}

void Places::note_unnamed(Known known, NameMiss why) {
    const auto entry = std::ranges::find_if(unnamed_, [&](const Unnamed& each) {
        const Place& other = *each.places.front().place;
        return other.container_id == known.place->container_id && other.pod_uid == known.place->pod_uid;
    });
    if (entry == unnamed_.end() && unnamed_.size() < kMaxUnnamed) {
        unnamed_.push_back({.places = {std::move(known)}, .why = why});
    } else if (entry == unnamed_.end()) {
        count_unnamed(*known.place, why);
    } else if (entry->places.size() < kMaxPlacesOfUnnamed) {
        entry->places.push_back(std::move(known));
    }
}

std::shared_ptr<const Place> Places::find_for_exit(CgroupIds ids, std::shared_ptr<const Place> before,
                                                   std::uint64_t exits) {
    Resolved resolved = look_up(ids);
    if (!resolved.place && before) {
        return before;
    }
    if (!resolved.place) {
        unattributed_[static_cast<std::size_t>(why(resolved.miss))].add(exits);
    }
    return std::move(resolved.place);
}

std::shared_ptr<const Place> Places::find_for_process(const Fd& proc_directory) {
    const auto text = read_small_file(proc_directory.get(), "cgroup", 64 << 10);
    const auto path = text ? path_from_proc_cgroup(*text) : Result<std::string>(std::unexpected(text.error()));
    if (!path) {
        return nullptr; // reaped meanwhile, or no descriptor or memory to read it
    }
    Resolved resolved = resolver_.resolve_path(*path);
    welcome(resolved, {}, *path);
    return std::move(resolved.place);
}

bool Places::gone(const Known& known) const {
    return known.ids == CgroupIds{} ? resolver_.path_gone(known.path) : resolver_.gone(known.ids);
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
    std::size_t left = kNamesPerInterval;
    std::erase_if(unnamed_, [&](Unnamed& each) {
        if (each.next == 0) {
            each.next = now + kInterval;
        }
        if (now < each.next || left == 0) {
            return false;
        }
        --left;
        return named(each, now) || gave_up(each, now);
    });
}

bool Places::named(const Unnamed& unnamed, Instant now) {
    for (const auto& [ids, before, path] : unnamed.places) {
        const Resolved resolved = resolver_.name_again(ids, path, *before);
        if (!resolved.first_seen) {
            return false;
        }
        ledger_.discover(resolved.place);
        ledger_.place_gone(before, now); // what was counted under the id stays for metrics.retain
        for (Known& known : alive_) {
            if (known.place == before) {
                known.place = resolved.place;
            }
        }
    }
    return true;
}

bool Places::gave_up(Unnamed& unnamed, Instant now) {
    unnamed.next = now + (kInterval << ++unnamed.attempts);
    if (unnamed.attempts < kNameAttempts) {
        return false;
    }
    count_unnamed(*unnamed.places.front().place, unnamed.why);
    return true;
}

// It is gone: a name that came now would be discovered and never be gone.
void Places::stop_naming(const std::shared_ptr<const Place>& place) {
    std::erase_if(unnamed_, [&](Unnamed& each) {
        std::erase_if(each.places, [&](const Known& known) { return known.place == place; });
        if (each.places.empty()) {
            count_unnamed(*place, each.why);
        }
        return each.places.empty();
    });
}

void Places::count_unnamed(const Place& place, NameMiss why) {
    resolver_.stop_naming(place);
    unnamed_counts_[static_cast<std::size_t>(why) - 1].add();
}

void Places::check_alive(Instant now) {
    for (std::size_t checks = std::min(kChecksPerInterval, alive_.size()); checks > 0; --checks) {
        next_check_ = next_check_ < alive_.size() ? next_check_ : 0;
        Known& known = alive_[next_check_];
        if (gone(known)) {
            ledger_.place_gone(known.place, now);
            stop_naming(known.place);
            resolver_.forget_path(known.path);
            known = std::move(alive_.back());
            alive_.pop_back();
        } else {
            ++next_check_;
        }
    }
}

} // namespace knell

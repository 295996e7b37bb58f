#include "exporters/prometheus/recent.hpp"

#include <algorithm>

namespace knell {

bool is_abnormal(Reason reason) {
    return reason != Reason::success && reason != Reason::error;
}

std::vector<Exit> RecentDeaths::Ring::latest() const {
    std::vector<Exit> latest;
    latest.reserve(kCapacity);
    for (std::size_t i = 1; i <= std::min(total_, kCapacity); ++i) {
        latest.push_back(exits_[(total_ - i) % kCapacity]);
    }
    return latest;
}

void RecentDeaths::on_event(const Event& event) {
    const auto* exit = std::get_if<Exit>(&event);
    if (exit == nullptr) {
        return;
    }
    const std::lock_guard lock(mutex_);
    latest_.add(*exit);
    if (is_abnormal(exit->reason)) {
        abnormal_.add(*exit);
    }
    minutes_.add(exit->time, exit->reason, exit->count());
    exits_[static_cast<std::size_t>(exit->reason)] += exit->count();
    if (exit->oom_scope) {
        oom_kills_[static_cast<std::size_t>(*exit->oom_scope)] += exit->count();
    }
}

RecentSnapshot RecentDeaths::snapshot() const {
    RecentSnapshot snapshot;
    snapshot.start = start_;
    const std::lock_guard lock(mutex_);
    snapshot.now = monotonic_now();
    snapshot.latest = latest_.latest();
    snapshot.abnormal = abnormal_.latest();
    snapshot.minutes = minutes_.series(snapshot.now);
    snapshot.exits = exits_;
    snapshot.oom_kills = oom_kills_;
    return snapshot;
}

} // namespace knell

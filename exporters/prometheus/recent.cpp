#include "exporters/prometheus/recent.hpp"

#include <algorithm>

namespace knell {

void RecentDeaths::on_event(const Event& event) {
    if (const auto* exit = std::get_if<Exit>(&event)) {
        const std::lock_guard lock(mutex_);
        exits_[total_ % kCapacity] = *exit;
        ++total_;
    }
}

std::vector<Exit> RecentDeaths::latest() const {
    std::vector<Exit> latest;
    latest.reserve(kCapacity);
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 1; i <= std::min(total_, kCapacity); ++i) {
        latest.push_back(exits_[(total_ - i) % kCapacity]);
    }
    return latest;
}

} // namespace knell

#include "exporters/prometheus/minute_counts.hpp"

namespace knell {

void MinuteCounts::add(Instant time, Reason reason, std::uint64_t count) {
    const std::uint64_t number = time / kMinute;
    Minute& minute = minutes_[number % kMinutes];
    if (minute.number > number) {
        return;
    }
    if (minute.number < number) {
        minute = {.number = number};
    }
    minute.exits[static_cast<std::size_t>(reason)] += count;
}

MinuteCounts::Series MinuteCounts::series(Instant now) const {
    Series series{};
    const std::uint64_t last = now / kMinute;
    for (std::size_t ago = 0; ago < kMinutes && ago <= last; ++ago) {
        const Minute& minute = minutes_[(last - ago) % kMinutes];
        if (minute.number == last - ago) {
            series[kMinutes - 1 - ago] = minute.exits;
        }
    }
    return series;
}

} // namespace knell

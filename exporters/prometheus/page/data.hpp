#pragma once

#include "agent/base/clock.hpp"
#include "agent/cause/reason.hpp"
#include "agent/ledger/histogram.hpp"
#include "agent/ledger/ledger.hpp"
#include "agent/observer/status.hpp"
#include "exporters/prometheus/build_info.hpp"
#include "exporters/prometheus/recent.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace knell {

// How often processes of one workload were killed by one class of killer, since the workload is known.
struct KillCount {
    std::string victims; // the workload's name
    KillerClass killer = KillerClass::unknown;
    std::uint64_t count = 0;
    struct BySignal {
        int signal = 0;
        std::uint64_t count = 0;
    };
    std::vector<BySignal> signals; // the most frequent first
};

struct ZombieCount {
    std::string workload;
    std::uint64_t count = 0;
    Nanoseconds oldest = 0; // age
};

// What the landing page shows: plain data, read once.
struct PageData {
    std::string node; // its host name
    Status status;
    BuildInfo build;
    RecentSnapshot recent;

    std::vector<KillCount> kills;     // the most frequent first
    std::vector<ZombieCount> zombies; // of the workloads that have some, the oldest first
    // Of all workloads that are known now, and of the node.
    HistogramSnapshot termination;
    HistogramSnapshot teardown;
    HistogramSnapshot reaction;
    HistogramSnapshot reap;

    std::size_t workloads = 0;
    std::uint64_t series = 0;
    std::uint64_t series_overflow = 0;
    // The Unix time of a death is its distance from this, which is that of recent.now.
    std::uint64_t now_unix_ns = 0;

    [[nodiscard]] std::uint64_t unix_time(Instant instant) const {
        return now_unix_ns - recent.now + instant; // modulo 2^64, so that an instant may be the later one
    }
};

PageData page_data(const Ledger& ledger, Status status, const BuildInfo& build, RecentSnapshot recent);

// Exits in the 60 minutes before now.
std::uint64_t last_hour(const RecentSnapshot& recent, Reason reason);

} // namespace knell

#pragma once

#include "agent/event/event.hpp"
#include "exporters/prometheus/minute_counts.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

namespace knell {

// What a reader saw of RecentDeaths.
struct RecentSnapshot {
    std::vector<Exit> latest;   // the latest first
    std::vector<Exit> abnormal; // the same, of those that did not end by themselves
    MinuteCounts::Series minutes{};
    ReasonCounts exits{}; // since the start
    std::array<std::uint64_t, kOomScopeCount> oom_kills{};
    Instant start = 0;
    Instant now = 0; // when it was taken, the minute that `minutes` ends with
};

// Neither success nor error: what a program did not decide. Also what is not known, as it may have been that.
bool is_abnormal(Reason reason);

// The last deaths, for a person who opens the landing page. The abnormal ones have room of their own: a build or a
// script ends hundreds of processes in the second after the one that was killed.
class RecentDeaths final : public EventSink {
  public:
    static constexpr std::size_t kCapacity = 50;

    // The loop thread. The mutex is held for two assignments at most here, and by a reader while it copies.
    void on_event(const Event& event) override;

    // Any thread.
    [[nodiscard]] RecentSnapshot snapshot() const;

  private:
    // The slots are reused, so that a storm allocates nothing.
    class Ring {
      public:
        void add(const Exit& exit) { exits_[total_++ % kCapacity] = exit; }
        [[nodiscard]] std::vector<Exit> latest() const;

      private:
        std::array<Exit, kCapacity> exits_;
        std::size_t total_ = 0;
    };

    const Instant start_ = monotonic_now();
    mutable std::mutex mutex_;
    Ring latest_;
    Ring abnormal_;
    MinuteCounts minutes_;
    // The ledger's are no totals: it forgets workloads that are long gone.
    ReasonCounts exits_{};
    std::array<std::uint64_t, kOomScopeCount> oom_kills_{};
};

} // namespace knell

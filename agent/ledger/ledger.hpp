#pragma once

#include "agent/base/clock.hpp"
#include "agent/base/counter.hpp"
#include "agent/event/event.hpp"
#include "agent/ledger/histogram.hpp"
#include "agent/ledger/limits.hpp"
#include "agent/ledger/workload.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string_view>
#include <type_traits>
#include <vector>

namespace knell {

class PlaceIndex;

// Where what is beyond max_series is counted, under this namespace and no other label.
inline constexpr std::string_view kOverflowNamespace = "_other";

// A workload and what only the ledger's thread knows about it.
struct Tenant {
    std::shared_ptr<Workload> workload;
    std::size_t places = 0; // in the index, the gone ones included; the workload is forgotten with the last one
};

// The counts behind the metrics. One thread writes: events, places and zombies. Any thread reads, without delaying it:
// every count is one atomic load, and only the list of workloads has a mutex, held while a vector of pointers is
// copied.
//
// Several places may share a workload (a restarted container keeps its labels and gets a new cgroup). What has no room
// within max_series is counted in the workload namespace="_other", whose own room is set aside: no count is ever lost,
// only its labels, and series_overflow() says how often.
class Ledger final : public EventSink {
  public:
    // Room for everything the overflow workload could ever show.
    static constexpr std::uint32_t kOverflowReserve = Workload::kMaxSeries;
    // That, and the zeros of the processes without a place.
    static constexpr std::uint32_t kMinSeries = kOverflowReserve + Workload::kFixedSeries;

    explicit Ledger(LedgerLimits limits);
    ~Ledger() override;
    Ledger(const Ledger&) = delete;
    Ledger& operator=(const Ledger&) = delete;

    // ---- the writing thread ----

    // Counts Exit and Reap. About 10 ns to find the workload of a place that was discovered.
    void on_event(const Event& event) override;

    // First sight of a place: its workload appears with all its zeros, so that a first death is an increase.
    void discover(const std::shared_ptr<const Place>& place);

    // The workload of a place; null means the workload with empty labels. A place that was not discovered is now. The
    // reference is valid while the place is not forgotten, and as long as the workload has zombies.
    [[nodiscard]] Workload& workload(const std::shared_ptr<const Place>& place);

    // The place's cgroup was removed. Its late events still count; `now` does not go backwards.
    void place_gone(const std::shared_ptr<const Place>& place, Instant now);

    // Forgets the places that were gone for `retain`, and workloads without places and zombies. Constant time when
    // nothing is due.
    void forget_gone(Instant now);

    // ---- any thread ----

    // In order of appearance.
    [[nodiscard]] std::vector<std::shared_ptr<const Workload>> workloads() const;
    [[nodiscard]] const Histogram& teardown() const { return teardown_; }
    [[nodiscard]] const Histogram& reaction() const { return reaction_; }
    // Series of all workloads; node-wide families are not in it.
    [[nodiscard]] std::uint64_t series() const { return series_.value(); }
    // How often something was counted in the overflow workload for want of room.
    [[nodiscard]] std::uint64_t series_overflow() const { return series_overflow_.value(); }
    // Places that are remembered, and how many can be: see kPlacesPerWorkload.
    [[nodiscard]] std::uint64_t places() const { return place_count_.value(); }
    [[nodiscard]] std::uint64_t place_capacity() const { return place_capacity_; }
    [[nodiscard]] bool pod_label() const { return limits_.pod_label; }

  private:
    struct GonePlace {
        std::shared_ptr<const Place> place;
        Instant since = 0;
    };

    void count_exit(const Exit& exit);
    // The cell of `workload`, made at first use; the overflow workload's when there is no room for it.
    template <typename Key>
    Counter& counter_of(Workload& workload, SparseCounters<Key> Workload::* counters,
                        const std::type_identity_t<Key>& key, Instant now);
    Histogram& histogram_of(Workload& workload, Lazy<Histogram> Workload::* histogram, Instant now);

    // The workload for a place that is not in the index, and the place into the index.
    Workload& settle(const std::shared_ptr<const Place>& place);
    Tenant& add_tenant(Labels labels);
    void publish(std::shared_ptr<const Workload> workload);
    void forget(const Tenant& tenant);
    Workload& overflow();
    Workload& fold(); // overflow(), and one more in series_overflow_
    // Room for `series` more series of `workload`; null: of one that is not made yet. False: there is none.
    bool take_room(const Workload* workload, std::size_t series);

    LedgerLimits limits_;
    std::map<Labels, Tenant> tenants_; // all workloads but the overflow one
    std::unique_ptr<PlaceIndex> places_;
    std::deque<GonePlace> gone_;         // the longest gone first
    std::shared_ptr<Workload> overflow_; // from its first use on
    Workload* unplaced_ = nullptr;       // the tenant with empty labels
    std::size_t ordinary_series_ = 0;    // of all but the overflow workload

    Histogram teardown_{monotonic_now()};
    Histogram reaction_{monotonic_now()};
    Counter series_;
    Counter series_overflow_;
    Counter place_count_;
    std::uint64_t place_capacity_ = 0;

    mutable std::mutex published_mutex_;
    std::vector<std::shared_ptr<const Workload>> published_;
};

} // namespace knell

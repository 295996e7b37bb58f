#pragma once

#include "agent/attribution/place.hpp"
#include "agent/base/counter.hpp"
#include "agent/cause/reason.hpp"
#include "agent/ledger/exemplar.hpp"
#include "agent/ledger/histogram.hpp"
#include "agent/ledger/lazy.hpp"
#include "agent/ledger/sparse_counters.hpp"
#include "agent/ledger/zombie_list.hpp"

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace knell {

// What tells one workload from another in the metrics. Valid UTF-8, because a Place is.
struct Labels {
    std::string name_space;
    std::string container;
    std::string unit;
    std::string pod; // empty unless the pod label is on
    auto operator<=>(const Labels&) const = default;
};

// Exit codes that mean something by convention (sysexits of shells: 126 not executable, 127 not found); all others
// share one series.
inline constexpr std::array<std::string_view, 6> kExitCodeNames = {"0", "1", "2", "126", "127", "other"};
std::size_t exit_code_class(int code);

// Real-time signals end at 64 on x86-64 and arm64. A number beyond that is counted as 0, so that the key space stays
// bounded whatever a wait status claims.
inline constexpr int kLastSignal = 64;

struct ExitSignal {
    int number = 0;
    bool core_dumped = false;
    bool operator==(const ExitSignal&) const = default;
};

struct Kill {
    int signal = 0;
    KillerClass killer = KillerClass::unknown;
    bool operator==(const Kill&) const = default;
};

// All counts of one set of labels. The ledger's thread writes, any thread reads through a const reference; reads are
// single relaxed loads, so two counts read one after the other may be one event apart.
class Workload {
  public:
    // `created`: when its zeros appear.
    Workload(Labels labels, Instant created);

    [[nodiscard]] const Labels& labels() const { return labels_; }
    [[nodiscard]] Instant created() const { return created_; }

    [[nodiscard]] std::uint64_t exits(Reason reason) const { return exits_[static_cast<std::size_t>(reason)].value(); }
    [[nodiscard]] std::uint64_t exit_codes(std::size_t code_class) const { return exit_codes_[code_class].value(); }
    [[nodiscard]] std::uint64_t oom_kills(OomScope scope) const {
        return oom_kills_[static_cast<std::size_t>(scope)].value();
    }
    // The last process that ended so; null: none that is known by name.
    [[nodiscard]] const ExemplarCell* last_exit(Reason reason) const {
        return last_exits_[static_cast<std::size_t>(reason)].get();
    }
    [[nodiscard]] const ExemplarCell* last_oom_kill(OomScope scope) const {
        return last_oom_kills_[static_cast<std::size_t>(scope)].get();
    }
    [[nodiscard]] const SparseCounters<ExitSignal>& exit_signals() const { return exit_signals_; }
    [[nodiscard]] const SparseCounters<Kill>& kills() const { return kills_; }
    [[nodiscard]] const Histogram* reap() const { return reap_.get(); }               // null: no sample yet
    [[nodiscard]] const Histogram* termination() const { return termination_.get(); } // null: no sample yet
    [[nodiscard]] const ZombieList& zombies() const { return zombies_; }
    // For the watch pool, on the loop thread.
    [[nodiscard]] ZombieList& zombies() { return zombies_; }

    // Series that a scrape shows for this workload.
    [[nodiscard]] std::size_t series() const;

    // Present from the start: exits by reason and code, OOM kills by scope, zombies and the oldest zombie's age.
    static constexpr std::size_t kFixedSeries = kReasonCount + kExitCodeNames.size() + kOomScopeCount + 2;
    // A histogram's buckets, sum and count.
    static constexpr std::size_t kHistogramSeries = kBuckets + 2;
    // With every signal from every killer, cores and all.
    static constexpr std::size_t kMaxSeries =
        kFixedSeries + 2 * kHistogramSeries + (kLastSignal + 1) * (2 + kKillerClassCount);

  private:
    friend class Ledger;

    const Labels labels_;
    const Instant created_;
    std::array<Counter, kReasonCount> exits_;
    std::array<Counter, kExitCodeNames.size()> exit_codes_;
    std::array<Counter, kOomScopeCount> oom_kills_;
    std::array<Lazy<ExemplarCell>, kReasonCount> last_exits_;
    std::array<Lazy<ExemplarCell>, kOomScopeCount> last_oom_kills_;
    SparseCounters<ExitSignal> exit_signals_;
    SparseCounters<Kill> kills_;
    Lazy<Histogram> reap_;
    Lazy<Histogram> termination_;
    ZombieList zombies_;
};

} // namespace knell

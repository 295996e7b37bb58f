#pragma once

#include "agent/attribution/make_place.hpp"
#include "agent/attribution/options.hpp"
#include "agent/base/counter.hpp"
#include "agent/event/lost_lines.hpp"
#include "agent/ledger/ledger.hpp"
#include "agent/loop/loop.hpp"
#include "agent/observer/death_reporter.hpp"
#include "agent/observer/fan_out.hpp"
#include "agent/observer/pidfd_holders.hpp"
#include "agent/observer/places.hpp"
#include "agent/observer/status.hpp"
#include "agent/probe/consumer.hpp"
#include "agent/probe/probe.hpp"
#include "agent/watch/pool.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace knell {

struct ObserverOptions {
    ProbeOptions probe{}; // but for what the observer finds out itself
    PoolOptions pool{};
    WatchSelect select{};
    AttributionOptions attribution{};
    LedgerLimits ledger{};
    bool held_pidfds = true; // count once, at the start, who holds pidfds already
    // Called for each birth before anything else is told of the process. Loop thread.
    std::function<void(const knell_fork&)> on_birth{};
    std::string why_not_io_uring{}; // from make_loop(), for the features
    std::string pin{};              // where what outlives the agent is pinned; empty: nothing does
};

// Everything between the kernel and the exporters: drains the ring, keeps the pool, explains and places each death, and
// hands the events to the sinks. Lives on the loop's thread; status() and ledger()'s readers may be anywhere.
class Observer final : public TurnDriver, public StatusSource {
  public:
    // Attaches the BPF programs, or goes on without them and says so in the features, then takes in the processes that
    // exist. `loop` runs after this and outlives the observer. Fails when nothing at all can be observed, and when
    // another observer uses the same `pin`.
    static Result<std::unique_ptr<Observer>> start(const ObserverOptions& options, Loop& loop);
    ~Observer() override;

    // Events go to the ledger and to these, which outlive the observer or the next call.
    void set_sinks(std::vector<EventSink*> sinks);
    // Also takes in the processes that exist and are selected now.
    Result<> set_select(WatchSelect select);
    void set_min_age(Nanoseconds min_age) { pool_->set_min_age(min_age); }
    // After the loop ended: tells the deaths that were still on their way. What comes later waits for the next agent,
    // if it is pinned.
    void finish();
    // Whether it went on where another agent had ended.
    [[nodiscard]] bool took_over() const { return probe_ && probe_->took_over(); }
    // Others that recorded for the next agent were stopped, and what they left is not read yet.
    [[nodiscard]] bool replaced_others() const { return probe_ && !probe_->predecessors().empty(); }
    // After finish(): nothing outlives this agent.
    Result<> unpin() { return probe_ ? probe_->unpin() : Result<>(); }
    // The outcome of a reload, for status().
    void note_reload(bool ok);

    // For sinks that write lines to count what they lose; told by status().
    [[nodiscard]] LostLines& lost_lines() { return lost_lines_; }
    [[nodiscard]] const Ledger& ledger() const { return *ledger_; }
    // Decided at the start.
    [[nodiscard]] const std::vector<Feature>& features() const { return features_; }
    [[nodiscard]] bool bpf() const { return probe_ != nullptr; }

    // Any thread.
    [[nodiscard]] Status status() const override;
    [[nodiscard]] bool loop_turns_within(Nanoseconds patience) const override;

    // For the loop.
    void turn_begins(Instant now) override;
    std::optional<Nanoseconds> may_sleep(Instant now) override;

  private:
    // Wakes the thread when a producer asks for it; all work is done at the beginning of the turn.
    class RingWaiter final : public PollOp {
      public:
        // The kernel could not wait, for want of memory. Asking clears it.
        bool take_refused() { return std::exchange(refused_, false); }

      private:
        void ready(int revents, Instant) override { refused_ = revents < 0; }
        bool refused_ = false;
    };
    // Without BPF new processes are looked for.
    static constexpr Nanoseconds kScanInterval = kSecond;
    static constexpr std::size_t kOpensPerTurn = 256;
    // Taking the spill waits for the kernel (see Spill), looking for lost births goes through /proc: not more often.
    static constexpr Nanoseconds kSpillInterval = 100 * kMillisecond;
    static constexpr Nanoseconds kHealInterval = kSecond;

    Observer(const ObserverOptions& options, Loop& loop);
    Result<> open(const ObserverOptions& options);
    void drain(Instant now);
    void handle(std::span<const std::byte> bytes);
    void make_up_for_losses(Instant now);
    void take_spill();
    // False: not everything was taken.
    bool take_spill(Spill& spill);
    void read_predecessors(Instant now);
    void find_lost_births();

    Loop& loop_;
    std::unique_ptr<Ledger> ledger_;
    std::unique_ptr<Places> places_;
    FanOut events_;
    std::function<void(const knell_fork&)> on_birth_;
    std::unique_ptr<Probe> probe_; // null: without BPF
    std::optional<Consumer> consumer_;
    std::unique_ptr<DeathReporter> reporter_;
    std::unique_ptr<Pool> pool_;
    RingWaiter ring_waiter_;
    Instant next_scan_ = 0;
    Instant next_spill_ = 0;
    Instant next_heal_ = 0;
    // Exits that were told while a predecessor is still to be read, by process number and start.
    std::set<std::pair<std::uint32_t, std::uint64_t>> told_beside_predecessors_;
    std::vector<Feature> features_;
    Counter decode_errors_;
    Counter spill_errors_;
    LostLines lost_lines_;
    HeldPidfds held_pidfds_; // at the start
    std::atomic<bool> ready_ = false;
    std::atomic<bool> reload_ok_ = true;
    std::atomic<std::uint64_t> reloaded_unix_seconds_ = 0;
};

} // namespace knell

#pragma once

#include "agent/event/event.hpp"
#include "agent/ledger/ledger.hpp"
#include "agent/observer/places.hpp"
#include "agent/observer/witnesses.hpp"
#include "agent/watch/pool.hpp"
#include "agent/watch/select.hpp"

#include "bpf/events.h"

#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace knell {

// Which processes are watched.
struct WatchSelect {
    PatternList cgroup{};
    PatternList comm{};
    std::function<bool(const knell_process&)> process{}; // asked first; empty = all
};

// Joins the witnesses of a death into events: the exit record (why), the slot (the kernel's times), the pidfd (our
// wake-up, and the reap). An exit goes out at once when its process is not watched; else it waits for the pidfd, which
// follows within the time that the kernel needs for teardown, and has the times in it. Loop thread.
class DeathReporter final : public PoolListener {
  public:
    struct Sources {
        bool exit_records = false;     // false: without BPF, the pidfd is the only witness
        bool observes_signals = false; // the senders of fatal signals are recorded
    };

    // All references outlive the reporter.
    DeathReporter(Sources sources, WatchSelect select, Places& places, Ledger& ledger, EventSink& events)
        : sources_(sources), select_(std::move(select)), places_(places), ledger_(ledger), events_(events) {}

    // An exit record; `watch`: its watch, if it has one.
    void exited(const knell_exit& record, Watch* watch);
    // Exits that the ring had no room for: one event for all, without what told them apart.
    void spilled(const knell_spill_key& key, const knell_spill_value& value);
    void execed(const knell_exec& record);

    // Tells the deaths that waited for the kernel's notify stamp, if it is there by now or will not come.
    void tell_late(Instant now);
    // When tell_late() wants to be called next; nullopt: nothing waits.
    [[nodiscard]] std::optional<Instant> next_late() const;

    void set_select(WatchSelect select) { select_ = std::move(select); }

    // Any thread.
    [[nodiscard]] const Witnesses& witnesses() const { return witnesses_; }

    Selection selects(const knell_process& process, const Fd* proc_directory) override;
    void watched(Watch& watch, const knell_process& process, const Fd* proc_directory) override;
    void ended(Watch& watch, Instant now) override;
    void reaped(Watch& watch, Instant now) override;
    void released(Watch& watch) override;

  private:
    struct Note;
    // The stamp follows our wake-up within a microsecond, more where a hypervisor takes the CPU away in between.
    static constexpr Nanoseconds kStampPatience = 10 * kMillisecond;

    std::shared_ptr<const Place> place_of(const knell_process& process, const Fd* proc_directory);
    // `before`: where the process was when its watch began; null = not known. `exits`: how many the record stands for.
    Exit explain_record(const knell_exit& record, std::shared_ptr<const Place> before, std::uint64_t exits = 1);
    Note& note_without_record(Watch& watch);
    void explain_by_pidfd(Watch& watch, Note& note);
    void complete_when_stamped(Watch& watch, Note& note);
    void stop_waiting(Watch& watch, Note& note);
    void complete(Note& note, const WatchedEnd& end);
    void tell(Note& note);

    const Instant began_ = monotonic_now();
    Sources sources_;
    WatchSelect select_;
    Places& places_;
    Ledger& ledger_;
    EventSink& events_;
    Witnesses witnesses_;
    std::vector<Watch*> unstamped_; // ended and explained, not told yet; the oldest first
};

} // namespace knell

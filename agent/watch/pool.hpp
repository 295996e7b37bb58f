#pragma once

#include "agent/base/counter.hpp"
#include "agent/base/fd.hpp"
#include "agent/loop/loop.hpp"
#include "agent/probe/slots.hpp"
#include "agent/watch/delay_queue.hpp"
#include "agent/watch/options.hpp"
#include "agent/watch/states.hpp"
#include "agent/watch/watch.hpp"

#include "bpf/events.h"

#include <array>
#include <cstdint>
#include <deque>
#include <expected>
#include <optional>
#include <vector>

#include <tsl/robin_map.h>

namespace knell {

// Whether a process is to be watched. unknown: what decides it could not be read.
enum class Selection : std::uint8_t { no, yes, unknown };

// What a pool tells its user, on the loop thread.
class PoolListener {
  public:
    // May this process be watched? `proc_directory`: its /proc directory where the process was found there, else null.
    virtual Selection selects(const knell_process& process, const Fd* proc_directory) = 0;
    // It is watched from now on.
    virtual void watched(Watch& watch, const knell_process& process, const Fd* proc_directory) = 0;
    // Its pidfd became readable: the kernel has told the world.
    virtual void ended(Watch& watch, Instant now) = 0;
    // Its parent collected it; the watch is released when this returns. Never called on kernels before 6.9.
    virtual void reaped(Watch& watch, Instant now) = 0;
    // The watch is about to be released, after reaped() or without it.
    virtual void released(Watch& watch) = 0;

  protected:
    ~PoolListener() = default;
};

// The pool of watched processes: candidate -> alive -> zombie -> released. Loop thread; counters from any thread.
// A process costs nothing while it sleeps, and O(1) per event.
class Pool {
  public:
    // A storm of births may not grow the queue without bound; what does not fit is refused as "full".
    static constexpr std::size_t kMaxCandidates = 1U << 17;

    // All outlive the pool. `slots` is null without BPF.
    Pool(Loop& loop, Slots* slots, PoolOptions options, PoolListener& listener);
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    // A process was born: a candidate until min_age passes.
    void forked(const knell_process& process, Instant born);
    // It executed another program: the candidate has a new name.
    void execed(const knell_process& process);
    // It ended: a candidate is dropped, a watch is returned (until it is released), null for all others.
    Watch* exited(const knell_process& process);

    // Opens candidates whose time has come, at most `limit`.
    void open_due(Instant now, std::size_t limit);
    // Releases what ended kHoldUnreported ago, on kernels that never tell of the reap.
    void release_due(Instant now);
    // When one of the two is wanted next; nullopt: nothing waits.
    [[nodiscard]] std::optional<Instant> next_due() const;

    // Watches every process in /proc that it does not know yet. Kernel threads are none. Costs about 20 us for each
    // that is looked at; one that was turned down is so once, unless it may become a watch later.
    Result<> scan_proc();
    // The listener selects otherwise from now on: the next scan asks about everybody again.
    void ask_again() { turned_down_.clear(); }

    // Gives every watch up, the listener is told. For the end, when the loop does not run any more.
    void release_all();

    void set_min_age(Nanoseconds min_age) {
        candidates_.shift(min_age, options_.min_age);
        options_.min_age = min_age;
    }

    // Any thread.
    [[nodiscard]] std::uint32_t capacity() const { return options_.capacity; }
    [[nodiscard]] std::uint64_t count(WatchState state) const {
        return states_[static_cast<std::size_t>(state)].value();
    }
    [[nodiscard]] std::uint64_t refused(WatchRefusal why) const {
        return refused_[static_cast<std::size_t>(why)].value();
    }

  private:
    friend class Watch;
    // What a pid stands for at this moment: a candidate's ticket, or a watch's index.
    class Known {
      public:
        Known() = default;
        static Known candidate(DelayQueue::Ticket ticket) { return Known((ticket << 1U) | 1U); }
        static Known watch(std::uint32_t index) { return Known(std::uint64_t{index} << 1U); }
        [[nodiscard]] bool is_candidate() const { return (bits_ & 1U) != 0; }
        [[nodiscard]] DelayQueue::Ticket ticket() const { return bits_ >> 1U; }
        [[nodiscard]] std::uint32_t index() const { return static_cast<std::uint32_t>(bits_ >> 1U); }

      private:
        explicit Known(std::uint64_t bits) : bits_(bits) {}
        std::uint64_t bits_ = 0; // one word: there is a bucket for each watch, and more
    };
    // Buckets take most of what a watch costs besides itself; robin hood hashing stays short when they are full.
    static constexpr float kFullBuckets = 0.9F;
    // Long enough for the slot's last stamp to come and be read (DeathReporter), short beside any reap.
    static constexpr Nanoseconds kHoldUnreported = 20 * kMillisecond;
    // A process that a scan found and that is not watched.
    struct TurnedDown {
        std::uint64_t proc_inode;  // of its /proc directory: another process of this number has another one
        std::uint64_t start_ticks; // 0: not known
        std::optional<WatchRefusal> counted;
        bool for_good; // a later scan need not look at it
    };
    using TurnedDownByPid = tsl::robin_map<std::uint32_t, TurnedDown>;
    // What came of a look at a process in /proc.
    struct Look {
        bool watched = false;
        std::optional<WatchRefusal> refusal{}; // a kernel thread has none, nor who is too young to be judged
        std::uint64_t start_ticks = 0;
        bool for_good = false;
    };
    // A zombie whose reap nobody will tell, as long as `noticed` is still the watch's.
    struct Unreported {
        Watch* watch;
        Instant noticed;
    };

    [[nodiscard]] bool is_watched(const knell_process& process) const;
    void open(const knell_process& process);
    void look_at(std::uint32_t pid, std::uint64_t proc_inode, TurnedDownByPid& turned_down);
    Look open_from_proc(std::uint32_t pid);
    // Watches it and tells the listener, or says why not.
    std::optional<WatchRefusal> take_in(Pidfd pidfd, const knell_process& process, const Fd* proc_directory);
    std::expected<Watch*, WatchRefusal> occupy(Pidfd pidfd, const knell_process& process);
    void ended(Watch& watch, int revents, Instant now);
    void release_collected();
    void wait_for_reap(Watch& watch);
    void release(Watch& watch);
    void forget_pid(Watch& watch);
    void refuse(WatchRefusal why) { refused_[static_cast<std::size_t>(why)].add(); }
    Counter& state(WatchState state) { return states_[static_cast<std::size_t>(state)]; }
    static WatchRefusal refusal_of(const Error& error);
    [[nodiscard]] bool has_room() const { return !free_.empty() || watches_.size() < options_.capacity; }
    Watch* allocate();

    Loop& loop_;
    Slots* slots_;
    PoolOptions options_;
    PoolListener& listener_;

    DelayQueue candidates_;
    tsl::robin_map<std::uint32_t, Known> by_pid_;
    TurnedDownByPid turned_down_; // by the latest scan
    std::deque<Watch> watches_;   // grows to the highest number watched at once; elements never move
    std::vector<std::uint32_t> free_;
    std::deque<Unreported> unreported_; // the oldest first

    std::array<Counter, kWatchStateNames.size()> states_;
    std::array<Counter, kWatchRefusalNames.size()> refused_;
};

} // namespace knell

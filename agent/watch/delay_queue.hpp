#pragma once

#include "agent/base/clock.hpp"

#include "bpf/events.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

namespace knell {

// New processes that wait for `watch.min_age` to pass, in order of birth. One that dies meanwhile is struck out, so
// that it never costs a system call.
class DelayQueue {
  public:
    using Ticket = std::uint64_t;

    Ticket push(const knell_process& process, Instant due) {
        entries_.push_back({next_ticket_, process, due, true});
        ++waiting_;
        return next_ticket_++;
    }

    // The waiting process, to be brought up to date; null once it was struck out or taken. Valid until the next change
    // of the queue.
    knell_process* find(Ticket ticket) {
        Entry* entry = entry_of(ticket);
        return entry != nullptr ? &entry->process : nullptr;
    }

    void strike_out(Ticket ticket) {
        if (Entry* entry = entry_of(ticket)) {
            entry->waiting = false;
            --waiting_;
            drop_struck_out();
        }
    }

    // The oldest process, if its time has come.
    std::optional<knell_process> take_due(Instant now) {
        if (entries_.empty() || entries_.front().due > now) {
            return std::nullopt;
        }
        const knell_process process = entries_.front().process;
        entries_.front().waiting = false;
        --waiting_;
        drop_struck_out();
        return process;
    }

    // When take_due() will have something.
    [[nodiscard]] std::optional<Instant> next_due() const {
        return entries_.empty() ? std::nullopt : std::optional(entries_.front().due);
    }

    // Everything that waits is due so much later, or earlier.
    void shift(Nanoseconds later, Nanoseconds earlier) {
        for (Entry& entry : entries_) {
            entry.due = entry.due + later - earlier;
        }
    }

    [[nodiscard]] std::size_t waiting() const { return waiting_; }
    // Entries in memory, struck out ones included: at most twice those that wait, and a few.
    [[nodiscard]] std::size_t held() const { return entries_.size(); }

  private:
    // Up to so many struck out entries are not worth the work.
    static constexpr std::size_t kFewStruckOut = 1024;

    struct Entry {
        Ticket ticket;
        knell_process process;
        Instant due;
        bool waiting;
    };

    Entry* entry_of(Ticket ticket) {
        if (entries_.empty() || ticket < entries_.front().ticket) {
            return nullptr;
        }
        // Tickets rise by one, and by more where struck out entries were swept away: the entry is at the first guess or
        // in front of it.
        const std::size_t guess = std::min<std::size_t>(ticket - entries_.front().ticket, entries_.size() - 1);
        Entry* entry = &entries_[guess];
        if (entry->ticket != ticket) {
            const auto found = std::ranges::lower_bound(entries_, ticket, {}, &Entry::ticket);
            entry = found != entries_.end() ? &*found : nullptr;
        }
        return entry != nullptr && entry->ticket == ticket && entry->waiting ? entry : nullptr;
    }

    // Keeps the front entry a waiting one, so that nobody wakes up for the dead; and sweeps when most entries are dead,
    // because the front one may wait for an hour while a storm passes behind it.
    void drop_struck_out() {
        while (!entries_.empty() && !entries_.front().waiting) {
            entries_.pop_front();
        }
        if (entries_.size() > 2 * waiting_ + kFewStruckOut) {
            std::erase_if(entries_, [](const Entry& entry) { return !entry.waiting; });
        }
    }

    std::deque<Entry> entries_; // by ticket
    Ticket next_ticket_ = 0;
    std::size_t waiting_ = 0;
};

} // namespace knell

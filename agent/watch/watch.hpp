#pragma once

#include "agent/base/clock.hpp"
#include "agent/loop/loop.hpp"
#include "agent/pidfd/pidfd.hpp"

#include "bpf/events.h"

#include <cstdint>
#include <memory>
#include <optional>

namespace knell {

class Pool;

// What the pool's user wants to keep with a watched process.
class WatchNote {
  public:
    virtual ~WatchNote() = default;
};

// The end of a watched process as its slot and its pidfd tell it. 0 = not known.
struct WatchedEnd {
    Instant exit = 0;    // the last thread ended
    Instant notify = 0;  // the world was told
    Instant noticed = 0; // we woke up
};

// One entry of the pool: a pidfd that we hold and poll, and its slot. Lives in the pool's storage, never moves.
class Watch final : public PollOp {
  public:
    explicit Watch(Pool& pool, std::uint32_t index) : pool_(&pool), index_(index) {}

    [[nodiscard]] std::uint32_t pid() const { return pid_; }
    [[nodiscard]] const Pidfd& pidfd() const { return *pidfd_; }
    [[nodiscard]] std::uint64_t pid_inode() const { return pid_inode_; }
    // Valid once the listener was told.
    [[nodiscard]] bool ended() const { return state_ == State::zombie; }
    [[nodiscard]] WatchedEnd end() const;

    [[nodiscard]] WatchNote* note() const { return note_.get(); }
    void set_note(std::unique_ptr<WatchNote> note) { note_ = std::move(note); }

  private:
    friend class Pool;
    enum class State : std::uint8_t { free, alive, zombie };

    void ready(int revents, Instant now) override;
    [[nodiscard]] bool is_of(const knell_process& process) const;

    Pool* pool_;
    std::uint32_t index_; // in the pool and in the slots
    std::uint32_t pid_ = 0;
    State state_ = State::free;
    std::optional<Pidfd> pidfd_;
    std::uint32_t start_ticks_ = 0; // the lower half: to compare alone; who is meant, where pidfds have no inode
    std::uint64_t pid_inode_ = 0;
    Instant noticed_ = 0;
    std::unique_ptr<WatchNote> note_;
};

} // namespace knell

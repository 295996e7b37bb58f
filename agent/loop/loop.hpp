#pragma once

#include "agent/base/clock.hpp"
#include "agent/base/result.hpp"
#include "agent/loop/backend_choice.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace knell {

class Loop;

// A one-shot wait for readiness of a descriptor. Owned by the caller and immovable: its address is the tag that the
// kernel carries. It must stay alive while pending(); the descriptor stays the caller's and must stay open as long.
// When run() will not be called again, pending ops may go: before the loop or after it, in any order.
// A descriptor has one pending op at a time (epoll keys its registrations by descriptor).
class PollOp {
  public:
    PollOp() = default;
    PollOp(const PollOp&) = delete;
    PollOp& operator=(const PollOp&) = delete;

    [[nodiscard]] bool pending() const { return pending_; }

  protected:
    // Called on the loop thread when the descriptor is ready. `revents` are poll(2) bits, or a negative errno when the
    // wait failed; `now` is the turn's time. The op is idle again when this runs: it may arm itself anew or destroy
    // itself.
    virtual void ready(int revents, Instant now) = 0;
    virtual ~PollOp() = default; // virtual for the friends, who could destroy through it

  private:
    friend class LoopBase;
    friend class UringLoop;
    friend class EpollLoop;

    int fd_ = -1; // epoll keeps it after the wait: the descriptor whose registration carries this op
    std::uint16_t events_ = 0;
    bool pending_ = false;
};

// Agents keep one per watched process.
static_assert(sizeof(PollOp) <= 16 || sizeof(void*) != 8);

// What the loop asks its driver each turn.
class TurnDriver {
  public:
    // After waiting, before any PollOp::ready of this turn.
    virtual void turn_begins(Instant now) = 0;
    // Before waiting: how long, counted from `now` (the time of the turn that ends), may the loop sleep? 0 = not at
    // all; nullopt = until something happens. The loop may sleep less.
    virtual std::optional<Nanoseconds> may_sleep(Instant now) = 0;

  protected:
    ~TurnDriver() = default;
};

// One thread's event loop. Everything but wake(), stop() and stats() is called on that thread. There are no hidden
// timers: with nothing to do the thread sleeps in one system call without a timeout.
// A wait ends when its descriptor is ready or fails, and in no other way: a process is watched until it has died, so
// nobody needs to cancel, nor to pay for its races.
class Loop {
  public:
    enum class Backend : std::uint8_t { io_uring, epoll };
    struct Stats {
        std::uint64_t turns = 0;
        std::uint64_t completions = 0; // calls of PollOp::ready
        std::uint64_t overflows = 0;   // turns that found the completion queue full and more kept aside by the kernel
    };

    virtual ~Loop() = default;

    // Waits for `events` (poll(2) bits; 0 = only POLLHUP and POLLERR; io_uring adds POLLRDHUP of sockets) on `fd`,
    // once. The op must be idle. ENOMEM, ENOSPC (fs.epoll.max_user_watches), EBADF and EPERM (the kind of file cannot
    // be polled) are reported here or, with io_uring, by ready() as a negative errno.
    virtual Result<> poll_once(PollOp& op, int fd, int events) = 0;

    // Turns until stop(). Fails when the kernel refuses to wait at all, or has lost completions for want of memory:
    // waits would then hang for ever.
    virtual Result<> run(TurnDriver& driver) = 0;

    // Makes the loop turn once more. Any thread, signal-safe.
    virtual void wake() = 0;
    // Ends run() after the current turn, or the next run() before its first. Any thread.
    virtual void stop() = 0;

    [[nodiscard]] virtual Backend backend() const = 0;
    // Any thread.
    [[nodiscard]] virtual Stats stats() const = 0;
};

inline constexpr std::string_view name(Loop::Backend backend) {
    return backend == Loop::Backend::io_uring ? "io_uring" : "epoll";
}

struct LoopChoice {
    std::unique_ptr<Loop> loop;
    std::string why_not_io_uring; // empty when io_uring runs or epoll was asked for; else the kernel's answer and its
                                  // likely cause
};

// A named backend that is refused is a failure. The thread that makes the loop is the one that runs it.
Result<LoopChoice> make_loop(BackendChoice choice);

} // namespace knell

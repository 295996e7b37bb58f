#pragma once

#include "agent/base/fd.hpp"
#include "agent/base/result.hpp"

#include <atomic>

namespace knell {

// Brings the loop's thread out of its sleep. The first signal() since the last consume() writes to an eventfd, all
// others only read a flag.
class WakeFd {
  public:
    // An eventfd for the constructor.
    static Result<Fd> open();

    explicit WakeFd(Fd eventfd) : eventfd_(std::move(eventfd)) {}

    // Any thread, and signal handlers.
    void signal();

    // Loop thread, when the descriptor was reported readable and before the turn looks at what wakers have published: a
    // signal() that this call swallows is then seen by this turn, any later one makes the descriptor readable again.
    void consume();

    [[nodiscard]] int fd() const { return eventfd_.get(); }

  private:
    static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may call signal()");
    std::atomic<bool> signalled_ = false;
    Fd eventfd_;
};

} // namespace knell

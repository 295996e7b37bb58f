#pragma once

#include "agent/loop/loop_base.hpp"

#include <sys/epoll.h>

#include <memory>
#include <vector>

namespace knell {

// The loop where io_uring is refused. Each wait is a one-shot registration in an epoll instance.
//
// Which pointers may the kernel still hold? EPOLLONESHOT switches a registration off when it is reported, so one that
// can be reported belongs to an op that is pending, and an op's owner keeps it while pending. What stays behind for an
// idle op is switched off and only poll_once() switches it on again, with a new pointer. In a batch that was copied
// out, an op appears once and is pending until its own callback.
class EpollLoop final : public LoopBase {
  public:
    static Result<std::unique_ptr<EpollLoop>> make();

    Result<> poll_once(PollOp& op, int fd, int events) override;
    [[nodiscard]] Backend backend() const override { return Backend::epoll; }

  private:
    EpollLoop(Fd epoll, Fd eventfd);

    Result<> wait(std::optional<Nanoseconds> limit) override;
    void dispatch(Instant now) override;

    // 0 or a positive errno.
    int control(int operation, int fd, epoll_event event) const;
    int wait_for_events(std::optional<Nanoseconds> limit);

    Fd epoll_;
    std::vector<epoll_event> events_; // as many as a turn takes; the first ready_ are this turn's
    std::size_t ready_ = 0;
    bool has_pwait2_ = true;
};

} // namespace knell

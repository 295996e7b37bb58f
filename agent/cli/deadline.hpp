#pragma once

#include "agent/base/clock.hpp"
#include "agent/base/fd.hpp"
#include "agent/base/result.hpp"
#include "agent/loop/loop.hpp"

#include <functional>
#include <memory>

namespace knell {

// Calls back on the loop thread, once, after a while. `then` may destroy the deadline; whoever destroys it otherwise
// does so when the loop does not run.
class Deadline final : private PollOp {
  public:
    static Result<std::unique_ptr<Deadline>> arm(Loop& loop, Nanoseconds after, std::function<void()> then);

  private:
    explicit Deadline(std::function<void()> then) : then_(std::move(then)) {}
    void ready(int revents, Instant now) override;

    std::function<void()> then_;
    Fd timer_;
};

} // namespace knell

#pragma once

#include "agent/base/fd.hpp"
#include "agent/loop/loop.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace knell::test {

// Everything that the suite runs on: io_uring in each of its modes, and epoll.
enum class Variant { uring_deferred, uring_cooperative, uring_plain, epoll };

std::string variant_name(const testing::TestParamInfo<Variant>& info);
Result<std::unique_ptr<Loop>> make_variant(Variant variant);

inline auto every_variant() {
    return testing::Values(Variant::uring_deferred, Variant::uring_cooperative, Variant::uring_plain, Variant::epoll);
}

// An op that remembers what it was told.
class Probe final : public PollOp {
  public:
    explicit Probe(std::function<void(int)> on_ready = {}) : on_ready_(std::move(on_ready)) {}

    std::vector<int> calls;
    Instant last_time = 0;

  private:
    void ready(int revents, Instant now) override {
        calls.push_back(revents);
        last_time = now;
        if (on_ready_) {
            // A copy: the callback may destroy this op, and the function with it.
            const auto on_ready = on_ready_;
            on_ready(revents);
        }
    }

    std::function<void(int)> on_ready_;
};

// A driver made of two functions.
struct Driver final : TurnDriver {
    std::function<void(Instant)> on_turn = [](Instant) {};
    std::function<std::optional<Nanoseconds>()> on_sleep = [] { return std::nullopt; };

    void turn_begins(Instant now) override { on_turn(now); }
    std::optional<Nanoseconds> may_sleep(Instant) override { return on_sleep(); }
};

// Runs until `done`, which is asked before each sleep. Sleeps without limit: what never comes hangs the test until
// ctest ends it.
void run_until(Loop& loop, const std::function<bool()>& done);
// Runs exactly that many turns without sleeping, enough to show that something does not come.
void run_turns(Loop& loop, int turns);

struct Pipe {
    Pipe();
    void put() const;

    Fd reader;
    Fd writer;
};

class LoopTest : public testing::TestWithParam<Variant> {
  protected:
    void SetUp() override;

    std::unique_ptr<Loop> loop;
};

// A system call that a seccomp filter answers in the kernel's place.
struct Refusal {
    long number; // SYS_...
    int errno_value;
    bool argument_1_not_zero = false; // only calls whose second argument is not 0
};
// For the calling thread, and for good: use it inside on_own_thread().
void refuse(const Refusal& refusal);
void on_own_thread(const std::function<void()>& body);

// Raises the soft limit to the hard one; true when `wanted` descriptors fit.
bool room_for_descriptors(unsigned wanted);

} // namespace knell::test

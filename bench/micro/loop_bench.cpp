#include "agent/loop/loop.hpp"

#include "agent/base/fd.hpp"
#include "bench/micro/value_of.hpp"

#include <benchmark/benchmark.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <deque>
#include <memory>

// One turn of the loop, on both backends: with nothing but a wake-up, and with descriptors that are ready.
namespace knell::bench {
namespace {

// Ends run() after each turn. That wakes the loop, so the next turn never sleeps.
class OneTurn final : public TurnDriver {
  public:
    explicit OneTurn(Loop& loop) : loop_(loop) {}
    void turn_begins(Instant) override { loop_.stop(); }
    std::optional<Nanoseconds> may_sleep(Instant) override { return 0; }

  private:
    Loop& loop_;
};

// Waits again as soon as it was told.
class AlwaysReady final : public PollOp {
  public:
    explicit AlwaysReady(Loop& loop) : loop_(loop) { arm(); }

  private:
    void arm() { value_of(loop_.poll_once(*this, event_.get(), POLLIN)); }
    void ready(int, Instant) override { arm(); }

    Loop& loop_;
    Fd event_{::eventfd(1, EFD_CLOEXEC)};
};

void turn(benchmark::State& state, BackendChoice backend) {
    const std::unique_ptr<Loop> loop = value_of(make_loop(backend)).loop;
    std::deque<AlwaysReady> ops;
    for (std::int64_t i = 0; i < state.range(0); ++i) {
        ops.emplace_back(*loop);
    }
    OneTurn one(*loop);
    loop->stop();
    value_of(loop->run(one)); // ended before its first turn: from here on each run is one turn
    for (auto _ : state) {
        value_of(loop->run(one));
    }
    state.counters["ops/turn"] = static_cast<double>(loop->stats().completions) /
                                 static_cast<double>(std::max<std::uint64_t>(loop->stats().turns, 1));
}
BENCHMARK_CAPTURE(turn, io_uring, BackendChoice::io_uring)
    ->Name("loop/turn_io_uring")
    ->Arg(0)
    ->Arg(1)
    ->Arg(64)
    ->ArgName("ready");
BENCHMARK_CAPTURE(turn, epoll, BackendChoice::epoll)
    ->Name("loop/turn_epoll")
    ->Arg(0)
    ->Arg(1)
    ->Arg(64)
    ->ArgName("ready");

} // namespace
} // namespace knell::bench

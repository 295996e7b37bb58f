#include "agent/pidfd/pidfd.hpp"
#include "agent/pidfd/process_ref.hpp"
#include "agent/pidfd/spawn.hpp"
#include "agent/watch/pool.hpp"
#include "bench/micro/value_of.hpp"

#include <benchmark/benchmark.h>

#include <csignal>
#include <memory>
#include <stdexcept>
#include <vector>

// A watch from its birth to its release, of real processes; their own lives are not timed.
namespace knell::bench {
namespace {

constexpr std::size_t kProcesses = 32;

class CountingListener final : public PoolListener {
  public:
    std::size_t watches = 0;
    std::size_t releases = 0;

  private:
    Selection selects(const knell_process&, const Fd*) override { return Selection::yes; }
    void watched(Watch&, const knell_process&, const Fd*) override { ++watches; }
    void ended(Watch&, Instant) override {}
    void reaped(Watch&, Instant) override {}
    void released(Watch&) override { ++releases; }
};

// Turns until all watches are released.
class UntilReleased final : public TurnDriver {
  public:
    UntilReleased(Loop& loop, const CountingListener& listener) : loop_(loop), listener_(listener) {}
    void turn_begins(Instant) override {}
    std::optional<Nanoseconds> may_sleep(Instant) override {
        if (listener_.releases == listener_.watches) {
            loop_.stop();
        }
        return std::nullopt;
    }

  private:
    Loop& loop_;
    const CountingListener& listener_;
};

std::vector<Pidfd> start_children() {
    SpawnOptions options;
    options.argv = {KNELL_MICRO_CHILD, "sleep"};
    std::vector<Pidfd> children;
    children.reserve(kProcesses);
    for (std::size_t i = 0; i < kProcesses; ++i) {
        children.push_back(value_of(Pidfd::spawn(options)));
    }
    return children;
}

knell_process record_of(const Pidfd& child) {
    knell_process process{};
    process.pid = static_cast<std::uint32_t>(value_of(ProcessRef::of(child)).pid());
    process.pid_inode = value_of(child.inode());
    return process;
}

void watch(benchmark::State& state, BackendChoice backend) {
    const std::unique_ptr<Loop> loop = value_of(make_loop(backend)).loop;
    CountingListener listener;
    Pool pool(*loop, nullptr, {.capacity = 1024, .min_age = 0}, listener);
    UntilReleased driver(*loop, listener);
    for (auto _ : state) {
        const std::vector<Pidfd> children = start_children();
        std::vector<knell_process> records;
        records.reserve(kProcesses);
        for (const Pidfd& child : children) {
            records.push_back(record_of(child));
        }
        Instant start = monotonic_now();
        for (const knell_process& record : records) {
            pool.forked(record, 0);
        }
        pool.open_due(1, kProcesses);
        Nanoseconds spent = elapsed(start, monotonic_now());
        for (const Pidfd& child : children) {
            (void)child.send_signal(SIGKILL);
            (void)child.wait();
        }
        start = monotonic_now();
        if (auto ran = loop->run(driver); !ran) {
            throw std::runtime_error(ran.error().message);
        }
        spent += elapsed(start, monotonic_now());
        state.SetIterationTime(to_seconds(spent));
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kProcesses));
}
BENCHMARK_CAPTURE(watch, io_uring, BackendChoice::io_uring)->Name("pool/32_watches_io_uring")->UseManualTime();
BENCHMARK_CAPTURE(watch, epoll, BackendChoice::epoll)->Name("pool/32_watches_epoll")->UseManualTime();

} // namespace
} // namespace knell::bench

#include "bench/watcher.hpp"

#include "agent/loop/loop.hpp"
#include "agent/watch/pool.hpp"

#include <unordered_set>

// The agent's own pool and loop, with nothing behind them.

namespace knell::bench {
namespace {

class PoolWatcher final : public Watcher, public PoolListener, public TurnDriver {
  public:
    explicit PoolWatcher(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}
    ~PoolWatcher() override {
        if (pool_) {
            pool_->release_all();
        }
    }

    Result<> watch(const std::vector<pid_t>& pids, Slots* slots) override {
        wanted_.insert(pids.begin(), pids.end());
        pool_ = std::make_unique<Pool>(*loop_, slots, PoolOptions{}, *this);
        if (auto scanned = pool_->scan_proc(); !scanned) {
            return scanned;
        }
        const std::uint64_t watched = pool_->count(WatchState::alive);
        return watched == pids.size() ? Result<>()
                                      : failure(std::to_string(watched) + " of " + std::to_string(pids.size()) +
                                                " processes can be watched (ulimit -Hn)");
    }

    Result<> run() override { return loop_->run(*this); }
    void stop() override { loop_->stop(); }

  private:
    void turn_begins(Instant) override {}
    std::optional<Nanoseconds> may_sleep(Instant) override { return std::nullopt; }

    Selection selects(const knell_process& process, const Fd*) override {
        return wanted_.contains(static_cast<pid_t>(process.pid)) ? Selection::yes : Selection::no;
    }
    void watched(Watch&, const knell_process&, const Fd*) override {}
    void ended(Watch& watch, Instant now) override {
        if (watch.end().exit != 0) {
            note_latency([&] { return watch.end().notify; }, now);
        }
    }
    void reaped(Watch&, Instant) override {}
    void released(Watch&) override { count_handled(); }

    std::unique_ptr<Loop> loop_;
    std::unordered_set<pid_t> wanted_;
    std::unique_ptr<Pool> pool_; // last: gone before the loop
};

Result<std::unique_ptr<Watcher>> make(BackendChoice backend) {
    auto choice = make_loop(backend);
    if (!choice) {
        return std::unexpected(std::move(choice.error()));
    }
    return std::make_unique<PoolWatcher>(std::move(choice->loop));
}

} // namespace

Contestant pool_on_uring() {
    return {"pool on io_uring", [] { return make(BackendChoice::io_uring); }};
}

Contestant pool_on_epoll() {
    return {"pool on epoll", [] { return make(BackendChoice::epoll); }};
}

} // namespace knell::bench

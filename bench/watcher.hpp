#pragma once

#include "agent/base/clock.hpp"
#include "agent/base/result.hpp"
#include "agent/probe/slots.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <sys/types.h>
#include <thread>
#include <vector>

namespace knell::bench {

// One way of being told that processes end. Made, used and destroyed on one thread of its own (WatcherThread).
class Watcher {
  public:
    virtual ~Watcher() = default;
    // Begins to watch these. `slots`: tags them too, so that the kernel stamps their ends; null: does not.
    virtual Result<> watch(const std::vector<pid_t>& pids, Slots* slots) = 0;
    // Until stop().
    virtual Result<> run() = 0;
    // Any thread.
    virtual void stop() = 0;

    // Any thread: how many ends it has handled to the last step.
    [[nodiscard]] std::uint64_t handled() const { return handled_.load(std::memory_order_acquire); }
    // After run(): kernel's notify to our wake-up, of those with a stamp.
    [[nodiscard]] const std::vector<double>& latencies_us() const { return latencies_us_; }

  protected:
    void count_handled() { handled_.fetch_add(1, std::memory_order_release); }
    // What lies between the kernel's stamp and `noticed`. `read_stamp()`: the stamp, 0 = not there yet. It is written
    // just after the pidfd woke its pollers: on another CPU we may be here before it.
    template <typename ReadStamp>
    void note_latency(ReadStamp&& read_stamp, Instant noticed) {
        const Instant deadline = monotonic_now() + kMillisecond;
        Instant stamp = read_stamp();
        while (stamp == 0 && monotonic_now() < deadline) {
            stamp = read_stamp();
        }
        if (stamp != 0) {
            latencies_us_.push_back(static_cast<double>(elapsed(stamp, noticed)) / 1e3);
        }
    }

  private:
    std::atomic<std::uint64_t> handled_ = 0;
    std::vector<double> latencies_us_;
};

// A way of watching, by name.
struct Contestant {
    std::string name;
    std::function<Result<std::unique_ptr<Watcher>>()> make;
};

// The agent's pool on its two loops; and what others write: a loop on epoll or io_uring and nothing else. The bare ones
// wait for the end alone, or like the pool for the end and then for the reap.
Contestant pool_on_uring();
Contestant pool_on_epoll();
Contestant bare_epoll();
Contestant bare_epoll_with_reap();
Contestant bare_uring();
// The kernel's proc connector (netlink): no pidfds at all. No stamps.
Contestant proc_connector();

// So many one process has descriptors for: one each, and some for everything else. Takes all that RLIMIT_NOFILE allows.
std::size_t most_watches();

// A watcher at work, on a thread whose CPU time can be told from everybody else's.
class WatcherThread {
  public:
    // Returns when it watches. All outlive this.
    static Result<std::unique_ptr<WatcherThread>> start(const Contestant& contestant, const std::vector<pid_t>& pids,
                                                        Slots* slots);
    ~WatcherThread();

    [[nodiscard]] std::uint64_t handled() const { return watcher_->handled(); }
    [[nodiscard]] Nanoseconds cpu_time() const;
    // Ends it; its latencies.
    Result<std::vector<double>> finish();

  private:
    WatcherThread() = default;
    void work(const Contestant& contestant, const std::vector<pid_t>& pids, Slots* slots,
              std::promise<Result<>> started);

    std::unique_ptr<Watcher> watcher_;
    Result<> ran_;
    clockid_t cpu_clock_ = 0;
    std::thread thread_;
};

} // namespace knell::bench

#include "bench/watcher.hpp"

#include <pthread.h>
#include <sys/resource.h>

#include <utility>

namespace knell::bench {

Result<std::unique_ptr<WatcherThread>> WatcherThread::start(const Contestant& contestant,
                                                            const std::vector<pid_t>& pids, Slots* slots) {
    std::unique_ptr<WatcherThread> watching(new WatcherThread());
    std::promise<Result<>> started;
    std::future<Result<>> outcome = started.get_future();
    watching->thread_ = std::thread(&WatcherThread::work, watching.get(), std::cref(contestant), std::cref(pids), slots,
                                    std::move(started));
    if (const int error = ::pthread_getcpuclockid(watching->thread_.native_handle(), &watching->cpu_clock_)) {
        return system_failure("finding the CPU clock of a thread", error);
    }
    if (auto result = outcome.get(); !result) {
        return failure_in(contestant.name, std::move(result.error()));
    }
    return watching;
}

void WatcherThread::work(const Contestant& contestant, const std::vector<pid_t>& pids, Slots* slots,
                         std::promise<Result<>> started) {
    // For profilers; the kernel takes 15 bytes.
    (void)::pthread_setname_np(::pthread_self(), contestant.name.substr(0, 15).c_str());
    auto watcher = contestant.make();
    if (!watcher) {
        started.set_value(std::unexpected(std::move(watcher.error())));
        return;
    }
    watcher_ = std::move(*watcher);
    if (auto watches = watcher_->watch(pids, slots); !watches) {
        started.set_value(std::move(watches));
        return;
    }
    started.set_value({});
    ran_ = watcher_->run();
}

Nanoseconds WatcherThread::cpu_time() const {
    return read_clock(cpu_clock_);
}

Result<std::vector<double>> WatcherThread::finish() {
    watcher_->stop();
    thread_.join();
    return ran_ ? Result<std::vector<double>>(watcher_->latencies_us()) : std::unexpected(ran_.error());
}

WatcherThread::~WatcherThread() {
    if (thread_.joinable()) {
        if (watcher_) {
            watcher_->stop();
        }
        thread_.join();
    }
}

std::size_t most_watches() {
    constexpr rlim_t kReserved = 200;
    rlimit limit{};
    (void)::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    (void)::setrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_max > kReserved ? static_cast<std::size_t>(limit.rlim_max - kReserved) : 0;
}

} // namespace knell::bench

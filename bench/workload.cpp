#include "bench/workload.hpp"

#include <algorithm>
#include <utility>

namespace knell::bench {

Result<RunningWorkload> RunningWorkload::start(const Workload& workload, int cgroup) {
    if (workload.exits < workload.workers) {
        return failure("a workload of fewer exits than workers");
    }
    RunningWorkload running;
    running.start_ = monotonic_now();
    for (std::uint32_t i = 0; i < workload.workers; ++i) {
        auto worker = Background::start(
            {beside_us("knell-fork-storm"), workload.how, std::to_string(workload.exits / workload.workers)}, cgroup);
        if (!worker) {
            return std::unexpected(std::move(worker.error()));
        }
        running.workers_.push_back(std::move(*worker));
    }
    return running;
}

bool RunningWorkload::running() const {
    return std::ranges::any_of(workers_, [](const Background& worker) { return worker.running(); });
}

Result<Nanoseconds> RunningWorkload::wait() {
    constexpr Nanoseconds kPatience = 300 * kSecond;
    for (Background& worker : workers_) {
        const auto status = worker.wait(kPatience);
        if (!status) {
            return std::unexpected(status.error());
        }
        if (*status != 0) {
            return failure("a worker failed: " + worker.output().value_or(""));
        }
    }
    return elapsed(start_, monotonic_now());
}

Result<Nanoseconds> run(const Workload& workload, int cgroup) {
    auto running = RunningWorkload::start(workload, cgroup);
    if (!running) {
        return std::unexpected(std::move(running.error()));
    }
    return running->wait();
}

} // namespace knell::bench

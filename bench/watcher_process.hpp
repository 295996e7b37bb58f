#pragma once

#include "agent/base/fd.hpp"
#include "bench/watcher.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace knell::bench {

// A part of another's slots, for a pool that counts its own from 0.
class SlotRange final : public Slots {
  public:
    SlotRange(Slots& all, std::uint32_t first, std::uint32_t count) : all_(all), first_(first), count_(count) {}

    [[nodiscard]] std::span<knell_slot> slots() override { return all_.slots().subspan(first_, count_); }
    Result<> tag(int pidfd, std::uint32_t slot) override { return all_.tag(pidfd, first_ + slot); }
    void untag(int pidfd) override { all_.untag(pidfd); }

  private:
    Slots& all_;
    std::uint32_t first_;
    std::uint32_t count_;
};

// A watcher in a process of its own, with as many descriptors as RLIMIT_NOFILE allows to each. Ends with its owner.
class WatcherProcess {
  public:
    // Forks: no other threads may run. Returns when it watches.
    static Result<WatcherProcess> start(const Contestant& contestant, const std::vector<pid_t>& pids, Slots& slots);
    WatcherProcess(WatcherProcess&& other) noexcept
        : connection_(std::move(other.connection_)), pid_(std::exchange(other.pid_, 0)), own_bytes_(other.own_bytes_) {}
    WatcherProcess& operator=(WatcherProcess&&) = delete;
    ~WatcherProcess();

    // By how much the watches let its own memory grow.
    [[nodiscard]] double own_bytes() const { return own_bytes_; }
    // Ends it when it has handled so many ends; its latencies.
    Result<std::vector<double>> finish(std::uint64_t deaths);

  private:
    WatcherProcess(Fd connection, pid_t pid) : connection_(std::move(connection)), pid_(pid) {}
    Fd connection_;
    pid_t pid_ = 0;
    double own_bytes_ = 0;
};

} // namespace knell::bench

#pragma once

#include <atomic>
#include <cstdint>

namespace knell {

// A count that one thread writes and any thread reads. A plain load and store: no locked instruction on the hot path.
class Counter {
  public:
    void add(std::uint64_t n = 1) { set(value() + n); }
    void subtract(std::uint64_t n = 1) { set(value() - n); }
    void set(std::uint64_t n) { value_.store(n, std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

  private:
    std::atomic<std::uint64_t> value_{0};
};

} // namespace knell

#pragma once

#include <atomic>
#include <utility>

namespace knell {

// What takes no memory until it is first needed: most workloads are never stopped, rarely reaped late, and die in one
// or two ways. One thread creates, any thread reads.
template <typename T>
class Lazy {
  public:
    Lazy() = default;
    Lazy(const Lazy&) = delete;
    Lazy& operator=(const Lazy&) = delete;
    ~Lazy() { delete value_.load(std::memory_order_relaxed); }

    // Any thread. Null until create().
    [[nodiscard]] const T* get() const { return value_.load(std::memory_order_acquire); }
    // The writer's.
    [[nodiscard]] T* get() { return value_.load(std::memory_order_relaxed); }
    // The writer's; once.
    template <typename... Arguments>
    T& create(Arguments&&... arguments) {
        // NOLINTNEXTLINE(cppcoreguidelines-owning-memory): the atomic owns it
        auto* value = new T(std::forward<Arguments>(arguments)...);
        value_.store(value, std::memory_order_release);
        return *value;
    }

  private:
    std::atomic<T*> value_{nullptr};
};

} // namespace knell

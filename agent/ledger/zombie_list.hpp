#pragma once

#include "agent/base/clock.hpp"

#include <atomic>
#include <cstdint>

namespace knell {

class ZombieList;

// A process that is dead and not yet collected. Owned by whoever watches it; it leaves its list when it is destroyed.
class ZombieNode {
  public:
    ZombieNode() = default;
    ZombieNode(const ZombieNode&) = delete;
    ZombieNode& operator=(const ZombieNode&) = delete;
    ~ZombieNode();

    [[nodiscard]] bool listed() const { return list_ != nullptr; }

  private:
    friend class ZombieList;
    ZombieList* list_ = nullptr;
    ZombieNode* previous_ = nullptr;
    ZombieNode* next_ = nullptr;
    Instant since_ = 0;
};

// The zombies of one workload in order of death. The loop thread adds and removes, any thread reads the two numbers.
class ZombieList {
  public:
    ZombieList() = default;
    ZombieList(const ZombieList&) = delete;
    ZombieList& operator=(const ZombieList&) = delete;
    ~ZombieList();

    // `since` is when the process died. A node that is in a list leaves it first. Constant time when deaths come in
    // order, as they nearly do: two CPUs may deliver neighbours the wrong way round.
    void add(ZombieNode& node, Instant since);
    // From whichever list the node is in, in constant time; no effect when it is in none.
    static void remove(ZombieNode& node);

    [[nodiscard]] std::uint64_t count() const { return count_.load(std::memory_order_relaxed); }
    // When the oldest zombie died; 0 = there is none.
    [[nodiscard]] Instant oldest() const { return oldest_.load(std::memory_order_relaxed); }

  private:
    void unlink(ZombieNode& node);
    void publish(std::uint64_t count);

    ZombieNode* head_ = nullptr;
    ZombieNode* tail_ = nullptr;
    std::atomic<std::uint64_t> count_{0};
    std::atomic<Instant> oldest_{0};
};

} // namespace knell

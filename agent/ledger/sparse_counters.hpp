#pragma once

#include "agent/base/clock.hpp"
#include "agent/base/counter.hpp"

#include <atomic>
#include <cstddef>

namespace knell {

// Counters by key for a key space of which a workload uses next to nothing: signals by killer. A list that only grows,
// at its head: a node is complete before the head points to it and its `next` never changes, so readers need no lock.
// One writer, any number of readers.
template <typename Key>
class SparseCounters {
  public:
    SparseCounters() = default;
    SparseCounters(const SparseCounters&) = delete;
    SparseCounters& operator=(const SparseCounters&) = delete;
    ~SparseCounters() {
        const Node* node = head_.load(std::memory_order_acquire);
        while (node != nullptr) {
            const Node* next = node->next;
            delete node;
            node = next;
        }
    }

    // The writer's. Linear: the list holds a few keys, and at most as many as there are signals and killer classes.
    [[nodiscard]] Counter* find(const Key& key) {
        for (Node* node = head_.load(std::memory_order_relaxed); node != nullptr; node = node->next) {
            if (node->key == key) {
                return &node->counter;
            }
        }
        return nullptr;
    }

    // The writer's. `key` must be new; `created`: just before its first count.
    Counter& append(const Key& key, Instant created) {
        auto* node = new Node{key, {}, created, head_.load(std::memory_order_relaxed)};
        head_.store(node, std::memory_order_release);
        return node->counter;
    }

    // Any thread: calls visit(key, count, created), the newest key first.
    template <typename Visitor>
    void for_each(Visitor&& visit) const {
        for (const Node* node = head_.load(std::memory_order_acquire); node != nullptr; node = node->next) {
            visit(node->key, node->counter.value(), node->created);
        }
    }

    // Any thread.
    [[nodiscard]] std::size_t size() const {
        std::size_t count = 0;
        for_each([&count](const Key&, std::uint64_t, Instant) { ++count; });
        return count;
    }

  private:
    struct Node {
        Key key;
        Counter counter;
        const Instant created;
        Node* next;
    };
    std::atomic<Node*> head_{nullptr};
};

} // namespace knell

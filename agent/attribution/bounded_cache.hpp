#pragma once

#include <tsl/robin_map.h>

#include <cstddef>
#include <utility>
#include <vector>

namespace knell {

// A map of at most `capacity` entries. When it is full, a new entry takes the place of one that was not asked for
// lately (the clock algorithm: one bit per entry, no list to keep in order on a hit). Single thread.
template <typename Key, typename Value, typename Hash, typename Equal>
class BoundedCache {
  public:
    // `capacity` is at least 1. Memory grows with what is stored.
    explicit BoundedCache(std::size_t capacity) : capacity_(capacity) {}

    // Null when there is no such entry; valid until the next insert.
    template <typename K>
    [[nodiscard]] const Value* find(const K& key) {
        const auto found = index_.find(key);
        if (found == index_.end()) {
            return nullptr;
        }
        Entry& entry = entries_[found->second];
        entry.used = true;
        return &entry.value;
    }

    // `key` is not in the cache.
    void insert(Key key, Value value) {
        const std::size_t at = entries_.size() < capacity_ ? entries_.size() : evict();
        index_.emplace(key, at);
        Entry entry{.key = std::move(key), .value = std::move(value), .used = false};
        if (at == entries_.size()) {
            entries_.push_back(std::move(entry));
        } else {
            entries_[at] = std::move(entry);
        }
    }

    // No effect when there is no such entry.
    template <typename K>
    void erase(const K& key) {
        const auto found = index_.find(key);
        if (found == index_.end()) {
            return;
        }
        const std::size_t at = found->second;
        index_.erase(found);
        if (at + 1 != entries_.size()) {
            entries_[at] = std::move(entries_.back());
            index_[entries_[at].key] = at;
        }
        entries_.pop_back();
        hand_ = hand_ < entries_.size() ? hand_ : 0;
    }

    [[nodiscard]] std::size_t size() const { return index_.size(); }

  private:
    struct Entry {
        Key key;
        Value value;
        bool used; // since the hand last passed
    };

    // Ends within two rounds: the first clears every bit.
    std::size_t evict() {
        while (std::exchange(entries_[hand_].used, false)) {
            hand_ = (hand_ + 1) % entries_.size();
        }
        index_.erase(entries_[hand_].key);
        return std::exchange(hand_, (hand_ + 1) % entries_.size());
    }

    std::size_t capacity_;
    tsl::robin_map<Key, std::size_t, Hash, Equal> index_;
    std::vector<Entry> entries_;
    std::size_t hand_ = 0;
};

} // namespace knell

#pragma once

#include "agent/attribution/place.hpp"
#include "agent/base/clock.hpp"

#include <tsl/robin_map.h>

#include <cstddef>
#include <cstdint>
#include <memory>

namespace knell {

struct Tenant;

// The workload of each known place, by the place's address: the look-up that every event makes. An entry keeps its
// place alive, so an address cannot come to mean another place while it is here.
class PlaceIndex {
  public:
    struct Entry {
        std::shared_ptr<const Place> place;
        Tenant* tenant = nullptr;
        bool gone = false; // its cgroup was removed; late events still count here
    };

    explicit PlaceIndex(std::size_t capacity) : capacity_(capacity) {}

    // Null when the place is not known. Valid until the next insert or erase.
    [[nodiscard]] Entry* find(const Place* place);
    // `place` is new and there is room.
    void insert(const std::shared_ptr<const Place>& place, Tenant& tenant);
    void erase(const Place* place) { entries_.erase(place); }
    [[nodiscard]] bool full() const { return entries_.size() >= capacity_; }
    [[nodiscard]] std::size_t size() const { return entries_.size(); }

  private:
    // Addresses differ in their middle bits only, and the map looks at the low ones: a multiplication spreads them
    // (Fibonacci hashing), the shift brings the well-mixed half down.
    struct Hash {
        std::size_t operator()(const Place* place) const noexcept {
            const auto address = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(place));
            return static_cast<std::size_t>((address * 0x9E3779B97F4A7C15ULL) >> 32U);
        }
    };
    tsl::robin_map<const Place*, Entry, Hash> entries_;
    std::size_t capacity_;
};

} // namespace knell

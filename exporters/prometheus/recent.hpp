#pragma once

#include "agent/event/event.hpp"

#include <array>
#include <cstddef>
#include <mutex>
#include <vector>

namespace knell {

// The last deaths, for a person who opens the landing page.
class RecentDeaths final : public EventSink {
  public:
    static constexpr std::size_t kCapacity = 50;

    // The loop thread. The mutex is held for one assignment here, and by a reader while 50 exits are copied.
    void on_event(const Event& event) override;

    // Any thread. The latest first.
    [[nodiscard]] std::vector<Exit> latest() const;

  private:
    mutable std::mutex mutex_;
    std::array<Exit, kCapacity> exits_; // a ring; slots are reused, so that a storm allocates nothing
    std::size_t total_ = 0;
};

} // namespace knell

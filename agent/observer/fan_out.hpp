#pragma once

#include "agent/event/event.hpp"

#include <vector>

namespace knell {

// Hands every event to several sinks, in their order.
class FanOut final : public EventSink {
  public:
    // The sinks outlive the fan-out, or the next call of this. Loop thread, or before the loop runs.
    void set_sinks(std::vector<EventSink*> sinks) { sinks_ = std::move(sinks); }

    void on_event(const Event& event) override {
        for (EventSink* sink : sinks_) {
            sink->on_event(event);
        }
    }

  private:
    std::vector<EventSink*> sinks_;
};

} // namespace knell

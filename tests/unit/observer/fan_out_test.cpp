#include "agent/observer/fan_out.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace knell {
namespace {

using testing::ElementsAre;

// Writes its name and the event's time into a list that all share.
class NamedSink final : public EventSink {
  public:
    NamedSink(std::string name, std::vector<std::string>& log) : name_(std::move(name)), log_(log) {}
    void on_event(const Event& event) override {
        const Instant time = std::visit([](const auto& of_any_kind) { return of_any_kind.time; }, event);
        log_.push_back(name_ + std::to_string(time));
    }

  private:
    std::string name_;
    std::vector<std::string>& log_;
};

Event exec_at(Instant time) {
    Exec exec;
    exec.time = time;
    return exec;
}

TEST(FanOut, EverySinkGetsEveryEventInOrder) {
    std::vector<std::string> log;
    NamedSink a("a", log);
    NamedSink b("b", log);
    FanOut fan_out;
    fan_out.on_event(exec_at(1));
    EXPECT_TRUE(log.empty()) << "no sinks yet";
    fan_out.set_sinks({&b, &a});
    fan_out.on_event(exec_at(2));
    fan_out.on_event(exec_at(3));
    EXPECT_THAT(log, ElementsAre("b2", "a2", "b3", "a3"));
}

TEST(FanOut, SinksAreReplaced) {
    std::vector<std::string> log;
    NamedSink a("a", log);
    NamedSink b("b", log);
    FanOut fan_out;
    fan_out.set_sinks({&a});
    fan_out.set_sinks({&b});
    fan_out.on_event(exec_at(1));
    EXPECT_THAT(log, ElementsAre("b1"));
}

} // namespace
} // namespace knell

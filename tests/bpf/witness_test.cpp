#include "tests/bpf/bpf_test.hpp"
#include "tests/bpf/observer_under_test.hpp"
#include "tests/bpf/scene.hpp"

#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <memory>
#include <string>

// A death that its witnesses tell in two ways: the exit record says what the process died of, and the kernel then gives
// another status to the parent.

namespace knell::test {
namespace {

using Disagreements = std::array<std::uint64_t, kWitnessFieldNames.size()>;

class Witness : public BpfTest {
  protected:
    void SetUp() override {
        // Whoever else dies on the machine is not watched, so its witnesses are not compared.
        const TestCgroup& slice = scene_.keep(TestCgroup::unified());
        const std::string unit = slice.path().filename().string() + ".service";
        service_ = &scene_.keep(TestCgroup::inside(slice, unit));
        ObserverOptions options;
        options.pool.min_age = 0;
        options.select.cgroup = PatternList({"*/" + unit});
        observer_ = must(ObserverUnderTest::start(options, BackendChoice::automatic));
        if (!observer_->status().witness_disagreements) {
            GTEST_SKIP() << "no PIDFD_GET_INFO for processes that were reaped: a kernel before 6.15";
        }
    }

    // Returns when they are watched.
    Process& start(const std::vector<std::string>& arguments, std::uint64_t processes) {
        Process& process = scene_.start(arguments, {.born_in = service_->path()});
        constexpr auto kAlive = static_cast<std::size_t>(WatchState::alive);
        EXPECT_TRUE(eventually([&] { return observer_->status().watches[kAlive] == processes; }));
        return process;
    }

    bool told(const Disagreements& expected) {
        return eventually([&] { return observer_->status().witness_disagreements == expected; });
    }

    Scene scene_;
    TestCgroup* service_ = nullptr;
    std::unique_ptr<ObserverUnderTest> observer_;
};

TEST_F(Witness, DisagreesOnANamespaceThatReboots) {
    const Instant before = monotonic_now();
    Process& parent = start({"pidns-reboot"}, 2);
    const pid_t init = Scene::next_child(parent);
    ASSERT_EQ(::kill(init, SIGUSR1), 0);

    EXPECT_EQ(must(observer_->log().await_exit({init, before})).signal, SIGKILL);
    EXPECT_EQ(must(parent.read_after("status")), std::to_string(SIGHUP)) << "reboot(2) replaces it";
    EXPECT_TRUE(told({0, 1, 0})) << testing::PrintToString(observer_->status().witness_disagreements);
}

TEST_F(Witness, AgreesOnOrdinaryDeaths) {
    const Instant before = monotonic_now();
    Process& sleeper = start({"sleep"}, 1);
    must(sleeper.kill(SIGTERM));
    EXPECT_EQ(must(sleeper.wait()), SIGTERM);
    must(observer_->log().await_reap({sleeper.pid(), before}));

    Process& handler = start({"handle", "TERM", "7"}, 1);
    must(handler.read_after("ready"));
    must(handler.kill(SIGTERM));
    EXPECT_EQ(must(handler.wait()), 7 << 8);
    must(observer_->log().await_reap({handler.pid(), before}));
    EXPECT_EQ(observer_->status().witness_disagreements, Disagreements{});
}

} // namespace
} // namespace knell::test

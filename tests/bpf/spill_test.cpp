#include "tests/bpf/backends.hpp"
#include "tests/bpf/bpf_test.hpp"
#include "tests/bpf/observer_under_test.hpp"
#include "tests/bpf/scene.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <memory>
#include <string>

// Nobody reads the ring while many times more exits come than it holds. Each is counted all the same, where it
// belongs.

namespace knell::test {
namespace {

class Spill : public BpfTestWithParam<BackendChoice> {
  protected:
    // Only processes of `unit` are watched.
    void observe(const std::string& unit) {
        ObserverOptions options;
        options.probe.ring.size_bytes = 64 << 10;
        options.select.cgroup = PatternList({"*/" + unit});
        observer_ = must(ObserverUnderTest::start(options, GetParam()));
    }

    // A cgroup whose exits the ledger tells from all others.
    std::string make_unit() {
        const TestCgroup& slice = scene_.keep(TestCgroup::unified());
        const std::string unit = slice.path().filename().string() + ".service";
        services_.push_back(&scene_.keep(TestCgroup::inside(slice, unit)));
        return unit;
    }

    // The observer stands still from the next exit on.
    void pause() {
        observer_->log().pause_at([](const Event& event) { return std::holds_alternative<Exit>(event); });
        EXPECT_EQ(must(scene_.start({"exit", "0"}).wait()), EXIT_SUCCESS);
        must(observer_->log().await_pause());
    }

    void run(const std::vector<std::string>& storm) {
        EXPECT_EQ(must(scene_.start(storm, {.born_in = services_.back()->path()}).wait()), EXIT_SUCCESS);
    }

    [[nodiscard]] std::shared_ptr<const Workload> workload(const std::string& unit) const {
        const auto all = observer_->ledger().workloads();
        const auto found = std::ranges::find(all, unit, [](const auto& one) { return one->labels().unit; });
        return found == all.end() ? nullptr : *found;
    }

    [[nodiscard]] std::uint64_t exits(const std::string& unit, Reason reason) const {
        const auto found = workload(unit);
        return found ? found->exits(reason) : 0;
    }

    // seen = delivered + spilled + unaccounted, at an instant in which nobody dies.
    bool comes_out_even() const {
        return eventually([this] {
            const KernelCounts counts = observer_->status().kernel;
            return counts.exits_seen == counts.exits_delivered + counts.exits_spilled + counts.exits_unaccounted;
        });
    }

    Scene scene_;
    std::deque<const TestCgroup*> services_;
    std::unique_ptr<ObserverUnderTest> observer_;
};

TEST_P(Spill, EveryExitIsCountedWhereItBelongs) {
    static constexpr std::uint64_t kEach = 600;
    const std::string unit = make_unit();
    observe(unit);
    pause();
    run({"storm", std::to_string(kEach)});
    run({"storm", std::to_string(kEach), "exit", "127"});
    run({"storm", std::to_string(kEach), "segv"});
    run({"storm-of-kills", std::to_string(kEach)});
    constexpr std::uint64_t kStorms = 4; // they end well themselves
    EXPECT_GT(observer_->status().kernel.exits_spilled, 3 * kEach);
    observer_->log().resume();

    EXPECT_TRUE(eventually([&] { return exits(unit, Reason::success) == kEach + kStorms; }));
    for (const Reason reason : {Reason::signal, Reason::error, Reason::crash}) {
        EXPECT_TRUE(eventually([&] { return exits(unit, reason) == kEach; })) << name(reason);
    }
    must(observer_->settle()); // one event moves several counters
    const auto counts = workload(unit);
    counts->exit_signals().for_each([](const ExitSignal&, std::uint64_t count, Instant) { EXPECT_EQ(count, kEach); });
    counts->kills().for_each([](const Kill& kill, std::uint64_t count, Instant) {
        EXPECT_EQ(kill.killer, kill.signal == SIGKILL ? KillerClass::parent : KillerClass::self) << kill.signal;
        EXPECT_EQ(count, kEach);
    });
    EXPECT_EQ(counts->exit_codes(exit_code_class(127)), kEach);
    EXPECT_EQ(observer_->status().kernel.exits_unaccounted, 0U);
    EXPECT_EQ(observer_->status().spill_errors, 0U);
    EXPECT_TRUE(comes_out_even());
}

// The storm goes on while what it spilled is taken out.
TEST_P(Spill, TakingItOutLosesNothing) {
    constexpr std::uint64_t kEach = 20'000;
    constexpr int kRounds = 3;
    const std::string unit = make_unit();
    observe(unit);
    Process& one = scene_.start({"storm", std::to_string(kEach)}, {.born_in = services_.back()->path()});
    Process& other = scene_.start({"storm", std::to_string(kEach)}, {.born_in = services_.back()->path()});
    for (int round = 0; round < kRounds; ++round) {
        pause();
        const std::uint64_t before = observer_->status().kernel.exits_spilled;
        EXPECT_TRUE(eventually([&] { return observer_->status().kernel.exits_spilled > before; }));
        observer_->log().resume();
    }
    EXPECT_EQ(must(one.wait()), EXIT_SUCCESS);
    EXPECT_EQ(must(other.wait()), EXIT_SUCCESS);
    EXPECT_TRUE(eventually([&] { return exits(unit, Reason::success) >= 2 * kEach + 2; }));
    must(observer_->settle());
    EXPECT_EQ(exits(unit, Reason::success), 2 * kEach + 2);
    EXPECT_GT(observer_->status().kernel.exits_spilled, 0U);
    EXPECT_EQ(observer_->status().kernel.exits_unaccounted, 0U);
    EXPECT_TRUE(comes_out_even());
}

// More kinds of exits than there is room for: 256 codes in each of 33 places.
TEST_P(Spill, WhatItHasNoRoomForIsUnaccounted) {
    constexpr int kPlaces = KNELL_SPILL_KEYS / 256 + 1;
    observe(make_unit());
    pause();
    for (int i = 0; i < kPlaces; ++i) {
        make_unit();
        run({"storm-of-codes"});
    }
    const KernelCounts full = observer_->status().kernel;
    EXPECT_GE(full.exits_spilled, KNELL_SPILL_KEYS);
    EXPECT_GT(full.exits_unaccounted, 0U);
    EXPECT_TRUE(comes_out_even());
    observer_->log().resume();
    must(observer_->settle());

    // There is room again.
    pause();
    run({"storm-of-codes"});
    observer_->log().resume();
    EXPECT_TRUE(eventually([&] { return observer_->status().kernel.exits_spilled > full.exits_spilled; }));
    must(observer_->settle());
}

TEST_P(Spill, LostBirthsAreFound) {
    const std::string unit = make_unit();
    observe(unit);
    pause();
    EXPECT_TRUE(eventually([&] {
        run({"storm", "1000"});
        return observer_->status().kernel.forks_dropped > 0;
    }));
    Process& sleeper = scene_.start_ready({"sleep"}, {.born_in = services_.back()->path()});
    observer_->log().resume();
    constexpr auto kAlive = static_cast<std::size_t>(WatchState::alive);
    EXPECT_TRUE(eventually([&] { return observer_->status().watches[kAlive] == 1; }));
    must(sleeper.kill(SIGKILL));
    must(sleeper.wait());
    EXPECT_TRUE(eventually([&] { return exits(unit, Reason::signal) == 1; }));
}

INSTANTIATE_TEST_SUITE_P(Backends, Spill, both_backends(), backend_name);

} // namespace
} // namespace knell::test

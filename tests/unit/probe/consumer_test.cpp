#include "agent/probe/consumer.hpp"

#include "tests/unit/probe/fake_ring.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace knell::test {
namespace {

constexpr std::size_t kBytes = 256 << 10;
constexpr Nanoseconds kCoalesce = kMillisecond;
constexpr Instant kStart = 100 * kSecond;
constexpr auto kUntilWoken = std::nullopt;
constexpr std::size_t kFew = Consumer::kFewRecords;

struct Turn {
    Nanoseconds after_start;
    std::size_t records; // that have come since the last drain
    std::optional<Nanoseconds> sleep;
};

struct Scenario {
    const char* name;
    Nanoseconds coalesce;
    std::vector<Turn> turns;
};

class ConsumerTest : public testing::TestWithParam<Scenario> {};

std::vector<Scenario> scenarios() {
    const Nanoseconds soon = kCoalesce / 2;
    const Nanoseconds later = 10 * kCoalesce;
    return {
        {"QuietFromTheStart", kCoalesce, {{0, 0, kUntilWoken}, {later, 0, kUntilWoken}}},
        {"SingleDeathsFarApart",
         kCoalesce,
         {{0, 1, kUntilWoken}, {later, 1, kUntilWoken}, {2 * later, 1, kUntilWoken}}},
        {"ExactlyFewAreNoStorm", kCoalesce, {{0, kFew, kUntilWoken}}},
        {"OneMoreThanFewIsAStorm", kCoalesce, {{0, kFew + 1, kCoalesce}}},
        {"TwoDrainsWithinCoalesceAreAStorm", kCoalesce, {{0, 1, kUntilWoken}, {soon, 1, kCoalesce}}},
        {"TwoDrainsExactlyCoalesceApartAreNone", kCoalesce, {{0, 1, kUntilWoken}, {kCoalesce, 1, kUntilWoken}}},
        {"AnEmptyDrainEndsTheStorm", kCoalesce, {{0, kFew + 1, kCoalesce}, {kCoalesce, 0, kUntilWoken}}},
        {"AnEmptyTurnBetweenDoesNotHideTheSecondDrain",
         kCoalesce,
         {{0, 1, kUntilWoken}, {soon / 2, 0, kUntilWoken}, {soon, 1, kCoalesce}}},
        {"TheStormGoesOnWhileRecordsCome",
         kCoalesce,
         {{0, 100, kCoalesce}, {soon, 1, kCoalesce}, {2 * soon, 1, kCoalesce}, {3 * soon, 0, kUntilWoken}}},
        {"SlowTrickleAfterAStormIsQuiet", kCoalesce, {{0, 100, kCoalesce}, {later, 1, kUntilWoken}}},
        {"WithoutCoalescingEveryStormIsArmed",
         0,
         {{0, kFew + 1, kUntilWoken}, {1, 100, kUntilWoken}, {1, 1, kUntilWoken}}},
    };
}

INSTANTIATE_TEST_SUITE_P(Consumer, ConsumerTest, testing::ValuesIn(scenarios()),
                         [](const auto& scenario) { return std::string(scenario.param.name); });

// What the thread may do, and what producers see while it sleeps.
TEST_P(ConsumerTest, SleepsAndTellsTheProducers) {
    FakeRing kernel(kBytes);
    Ring ring = kernel.map();
    knell_control control{};
    Consumer consumer(ring, control, GetParam().coalesce);
    for (std::size_t i = 0; i < GetParam().turns.size(); ++i) {
        SCOPED_TRACE("turn " + std::to_string(i));
        const Turn& turn = GetParam().turns[i];
        kernel.put_numbered(turn.records);
        std::size_t drained = 0;
        consumer.drain(kStart + turn.after_start, [&](std::span<const std::byte>) { ++drained; });
        EXPECT_EQ(drained, turn.records);
        EXPECT_EQ(control.armed, 0U) << "awake: nobody need wake us";
        EXPECT_EQ(consumer.may_sleep(), turn.sleep);
        EXPECT_EQ(control.armed, turn.sleep == kUntilWoken ? 1U : 0U);
    }
}

TEST(Consumer, ALongStormIsDrainedLessOften) {
    FakeRing kernel(kBytes);
    Ring ring = kernel.map();
    knell_control control{};
    Consumer consumer(ring, control, kCoalesce);
    Instant now = kStart;
    const auto drain_after = [&](Nanoseconds pause, std::size_t records) {
        now += pause;
        kernel.put_numbered(records);
        consumer.drain(now, [](std::span<const std::byte>) {});
        return consumer.may_sleep();
    };
    for (std::uint32_t i = 0; i < Consumer::kLongStorm; ++i) {
        EXPECT_EQ(drain_after(kCoalesce, kFew + 1), kCoalesce);
    }
    constexpr Nanoseconds kLonger = Consumer::kLongStormFactor * kCoalesce;
    EXPECT_EQ(drain_after(kCoalesce, kFew + 1), kLonger);
    EXPECT_EQ(drain_after(kLonger, kFew + 1), kLonger);
    EXPECT_EQ(drain_after(kLonger, 0), kUntilWoken);
    EXPECT_EQ(drain_after(kLonger, kFew + 1), kCoalesce) << "the next one begins anew";
}

TEST(Consumer, RecordsThatCameBeforeArmingAreDrainedFirst) {
    FakeRing kernel(kBytes);
    Ring ring = kernel.map();
    knell_control control{};
    Consumer consumer(ring, control, kCoalesce);
    consumer.drain(kStart, [](std::span<const std::byte>) {});
    kernel.put("came between the drain and the sleep");
    EXPECT_EQ(consumer.may_sleep(), std::optional<Nanoseconds>(0));
    EXPECT_EQ(control.armed, 0U) << "disarmed again: its producer wakes nobody";
    consumer.drain(kStart + 1, [](std::span<const std::byte>) {});
    EXPECT_EQ(consumer.may_sleep(), kUntilWoken);
    EXPECT_EQ(control.armed, 1U);
}

TEST(Consumer, ARecordBeingWrittenKeepsItAwake) {
    FakeRing kernel(kBytes);
    Ring ring = kernel.map();
    knell_control control{};
    Consumer consumer(ring, control, kCoalesce);
    const std::uint64_t slow = kernel.reserve(4); // its producer saw armed == 0
    consumer.drain(kStart, [](std::span<const std::byte>) {});
    EXPECT_EQ(consumer.may_sleep(), std::optional<Nanoseconds>(0));
    EXPECT_EQ(control.armed, 0U);
    kernel.submit(slow, "done");
    consumer.drain(kStart + kSecond, [](std::span<const std::byte>) {});
    EXPECT_EQ(consumer.may_sleep(), kUntilWoken);
}

// Its producer found the ring full while we emptied it; nobody wakes us for what is in the spill.
TEST(Consumer, WhatTheRingHadNoRoomForKeepsItAwake) {
    FakeRing kernel(kBytes);
    Ring ring = kernel.map();
    knell_control control{};
    for (knell_u32 knell_control::* const loss : {&knell_control::spilled, &knell_control::births_lost}) {
        Consumer consumer(ring, control, kCoalesce);
        consumer.drain(kStart, [](std::span<const std::byte>) {});
        control.*loss = 1;
        EXPECT_EQ(consumer.may_sleep(), std::optional<Nanoseconds>(kCoalesce));
        EXPECT_EQ(control.armed, 0U);
        control.*loss = 0;
        EXPECT_EQ(consumer.may_sleep(), kUntilWoken);
        EXPECT_EQ(control.armed, 1U);
    }
}

// Producers that go on do not keep the loop from its other work.
TEST(Consumer, ADrainEndsWithWhatWasThereAtItsBeginning) {
    FakeRing kernel(kBytes);
    Ring ring = kernel.map();
    knell_control control{};
    Consumer consumer(ring, control, kCoalesce);
    kernel.put_numbered(5000);
    std::size_t drained = 0;
    consumer.drain(kStart, [&](std::span<const std::byte>) {
        ++drained;
        kernel.put("came meanwhile");
    });
    EXPECT_EQ(drained, 5000U);
}

} // namespace
} // namespace knell::test

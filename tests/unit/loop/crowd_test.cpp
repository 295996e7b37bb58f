#include "agent/loop/crowd.hpp"

#include <gtest/gtest.h>

namespace knell::test {
namespace {

constexpr Instant kStart = kSecond;
constexpr Nanoseconds kClose = Crowd::kDense - 1;

// Turns with one completion each, so far apart. The time of the last.
Instant turn(Crowd& crowd, int turns, Nanoseconds apart, Instant now) {
    for (int i = 0; i < turns; ++i) {
        now += apart;
        crowd.note_turn(now, 1);
    }
    return now;
}

TEST(Crowd, SingleCompletionsAreNone) {
    Crowd crowd;
    turn(crowd, 1000, Crowd::kDense, kStart);
    EXPECT_FALSE(crowd.gathering());
}

TEST(Crowd, OneProcessIsNone) {
    Crowd crowd;
    turn(crowd, Crowd::kManyTurns, kClose, kStart); // the first of them follows nothing
    EXPECT_FALSE(crowd.gathering());
}

TEST(Crowd, ManyTurnsInARowAreOne) {
    Crowd crowd;
    turn(crowd, Crowd::kManyTurns + 1, kClose, kStart);
    EXPECT_TRUE(crowd.gathering());
}

TEST(Crowd, APauseBeginsAnew) {
    Crowd crowd;
    const Instant now = turn(crowd, Crowd::kManyTurns, kClose, kStart);
    turn(crowd, 1, Crowd::kDense, now);
    EXPECT_FALSE(crowd.gathering());
}

TEST(Crowd, TurnsWithoutCompletionsSayNothing) {
    Crowd crowd;
    Instant now = kStart;
    for (int i = 0; i <= Crowd::kManyTurns; ++i) {
        now += kClose / 2;
        crowd.note_turn(now - 1, 0);
        crowd.note_turn(now, 1);
    }
    EXPECT_TRUE(crowd.gathering());
}

TEST(Crowd, LastsWhileGatheringFindsEnough) {
    Crowd crowd;
    Instant now = turn(crowd, Crowd::kManyTurns + 1, kClose, kStart);
    for (int i = 0; i < 100; ++i) {
        now += Crowd::kGather;
        crowd.note_turn(now, Crowd::kWorthIt);
        EXPECT_TRUE(crowd.gathering());
    }
    crowd.note_turn(now + Crowd::kGather, Crowd::kWorthIt - 1);
    EXPECT_FALSE(crowd.gathering());
}

TEST(Crowd, ALongOneIsGatheredForLonger) {
    Crowd crowd;
    Instant now = turn(crowd, Crowd::kManyTurns + 1, kClose, kStart);
    for (int i = 0; i < Crowd::kLongCrowd; ++i) {
        EXPECT_EQ(crowd.span(), Crowd::kGather);
        now += Crowd::kGather;
        crowd.note_turn(now, Crowd::kWorthIt);
    }
    EXPECT_EQ(crowd.span(), Crowd::kGatherLonger);
}

} // namespace
} // namespace knell::test

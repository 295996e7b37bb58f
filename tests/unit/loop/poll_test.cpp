#include "tests/unit/loop/loop_fixture.hpp"

#include <poll.h>
#include <unistd.h>

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <vector>

namespace knell::test {

namespace {

using testing::ElementsAre;

class PollTest : public LoopTest {};
INSTANTIATE_TEST_SUITE_P(Loop, PollTest, every_variant(), variant_name);

TEST_P(PollTest, ReportsReadinessThatComesLater) {
    const Pipe pipe;
    Probe probe;
    ASSERT_TRUE(loop->poll_once(probe, pipe.reader.get(), POLLIN));
    EXPECT_TRUE(probe.pending());
    run_turns(*loop, 2);
    EXPECT_TRUE(probe.calls.empty());

    pipe.put();
    run_until(*loop, [&] { return !probe.pending(); });
    EXPECT_THAT(probe.calls, ElementsAre(POLLIN));
}

TEST_P(PollTest, ReportsReadinessThatWasThereBefore) {
    const Pipe pipe;
    pipe.put();
    Probe probe;
    ASSERT_TRUE(loop->poll_once(probe, pipe.reader.get(), POLLIN));
    run_until(*loop, [&] { return !probe.pending(); });
    EXPECT_THAT(probe.calls, ElementsAre(POLLIN));
}

TEST_P(PollTest, WithoutEventsWaitsForHangUpAlone) {
    Pipe pipe;
    Probe probe;
    ASSERT_TRUE(loop->poll_once(probe, pipe.reader.get(), 0));
    pipe.put();
    run_turns(*loop, 3);
    EXPECT_TRUE(probe.calls.empty());

    pipe.writer.reset();
    run_until(*loop, [&] { return !probe.pending(); });
    EXPECT_THAT(probe.calls, ElementsAre(POLLHUP));
}

TEST_P(PollTest, CallsOncePerArming) {
    const Pipe pipe;
    pipe.put();
    Probe probe;
    ASSERT_TRUE(loop->poll_once(probe, pipe.reader.get(), POLLIN));
    run_until(*loop, [&] { return !probe.pending(); });
    pipe.put();
    run_turns(*loop, 3);
    EXPECT_THAT(probe.calls, ElementsAre(POLLIN));
}

TEST_P(PollTest, MayBeArmedAgainInItsCallback) {
    const Pipe pipe;
    pipe.put();
    int left = 3;
    Probe probe([&](int) {
        EXPECT_FALSE(probe.pending());
        if (--left > 0) {
            EXPECT_TRUE(loop->poll_once(probe, pipe.reader.get(), POLLIN));
        }
    });
    ASSERT_TRUE(loop->poll_once(probe, pipe.reader.get(), POLLIN));
    run_until(*loop, [&] { return !probe.pending(); });
    EXPECT_THAT(probe.calls, ElementsAre(POLLIN, POLLIN, POLLIN));
}

TEST_P(PollTest, MayArmAnotherInItsCallback) {
    const Pipe one;
    const Pipe two;
    one.put();
    two.put();
    Probe second;
    Probe first([&](int) { EXPECT_TRUE(loop->poll_once(second, two.reader.get(), POLLIN)); });
    ASSERT_TRUE(loop->poll_once(first, one.reader.get(), POLLIN));
    run_until(*loop, [&] { return !second.calls.empty(); });
    EXPECT_THAT(second.calls, ElementsAre(POLLIN));
}

TEST_P(PollTest, MayBeDestroyedInItsCallback) {
    const Pipe pipe;
    pipe.put();
    std::unique_ptr<Probe> probe;
    probe = std::make_unique<Probe>([&](int) { probe.reset(); });
    ASSERT_TRUE(loop->poll_once(*probe, pipe.reader.get(), POLLIN));
    run_until(*loop, [&] { return probe == nullptr; });
    run_turns(*loop, 2);
}

// Two ops whose completions come in one batch.
TEST_P(PollTest, MayBeDestroyedInTheCallbackOfAnotherThatComesAfterItsOwn) {
    const std::array<Pipe, 2> pipes;
    std::array<std::unique_ptr<Probe>, 2> probes;
    std::vector<int> results;
    for (std::size_t i = 0; i < 2; ++i) {
        probes[i] = std::make_unique<Probe>([&, i](int revents) {
            results.push_back(revents);
            if (std::unique_ptr<Probe>& other = probes[1 - i]; !other->pending()) {
                other.reset();
            }
        });
        ASSERT_TRUE(loop->poll_once(*probes[i], pipes[i].reader.get(), POLLIN));
    }
    run_turns(*loop, 1);
    pipes[0].put();
    pipes[1].put();
    run_until(*loop, [&] { return results.size() == 2; });
    run_turns(*loop, 3);
    EXPECT_THAT(results, ElementsAre(POLLIN, POLLIN));
    EXPECT_NE(probes[0] == nullptr, probes[1] == nullptr);
}

TEST_P(PollTest, MayBeDestroyedWhileIdle) {
    const Pipe one;
    const Pipe two;
    one.put();
    two.put();
    auto idle = std::make_unique<Probe>();
    ASSERT_TRUE(loop->poll_once(*idle, one.reader.get(), POLLIN));
    run_until(*loop, [&] { return !idle->pending(); });
    Probe destroyer([&](int) { idle.reset(); });
    ASSERT_TRUE(loop->poll_once(destroyer, two.reader.get(), POLLIN));
    run_until(*loop, [&] { return !destroyer.pending(); });
    one.put();
    run_turns(*loop, 3);
    EXPECT_EQ(idle, nullptr);
}

TEST_P(PollTest, RefusesAnOpThatStillWaits) {
    const Pipe pipe;
    Probe probe;
    ASSERT_TRUE(loop->poll_once(probe, pipe.reader.get(), POLLIN));
    EXPECT_FALSE(loop->poll_once(probe, pipe.reader.get(), POLLIN));
    pipe.put();
    run_until(*loop, [&] { return !probe.pending(); });
    EXPECT_THAT(probe.calls, ElementsAre(POLLIN));
}

TEST_P(PollTest, ReportsAClosedDescriptor) {
    Pipe pipe;
    const int closed = pipe.reader.get();
    pipe.reader.reset();
    Probe probe;
    const Result<> armed = loop->poll_once(probe, closed, POLLIN);
    if (!armed) {
        EXPECT_EQ(armed.error().errno_value, EBADF);
        EXPECT_FALSE(probe.pending());
        return;
    }
    run_until(*loop, [&] { return !probe.pending(); });
    EXPECT_THAT(probe.calls, ElementsAre(-EBADF));
}

TEST_P(PollTest, AnOpGoesOnWhenItsNumberBelongsToANewFile) {
    const Pipe old;
    old.put();
    Probe probe;
    const Fd number(::dup(old.reader.get()));
    ASSERT_TRUE(loop->poll_once(probe, number.get(), POLLIN));
    run_until(*loop, [&] { return !probe.pending(); });

    const Pipe fresh;
    ASSERT_EQ(::dup2(fresh.reader.get(), number.get()), number.get());
    ASSERT_TRUE(loop->poll_once(probe, number.get(), POLLIN));
    run_turns(*loop, 2);
    EXPECT_THAT(probe.calls, ElementsAre(POLLIN)) << "that would be the old file";
    fresh.put();
    run_until(*loop, [&] { return !probe.pending(); });
    EXPECT_THAT(probe.calls, ElementsAre(POLLIN, POLLIN));
}

TEST_P(PollTest, ADescriptorPassesFromOneOpToTheNext) {
    const Pipe pipe;
    pipe.put();
    auto first = std::make_unique<Probe>();
    ASSERT_TRUE(loop->poll_once(*first, pipe.reader.get(), POLLIN));
    run_until(*loop, [&] { return !first->pending(); });
    first.reset();

    Probe second;
    ASSERT_TRUE(loop->poll_once(second, pipe.reader.get(), POLLIN));
    run_until(*loop, [&] { return !second.pending(); });
    EXPECT_THAT(second.calls, ElementsAre(POLLIN));
}

TEST_P(PollTest, AnOpMovesBetweenDescriptors) {
    const Pipe one;
    const Pipe two;
    one.put();
    two.put();
    Probe probe;
    std::size_t calls = 0;
    for (const Pipe* pipe : {&one, &two, &one}) {
        ASSERT_TRUE(loop->poll_once(probe, pipe->reader.get(), POLLIN));
        run_until(*loop, [&] { return !probe.pending(); });
        EXPECT_EQ(probe.calls.size(), ++calls);
    }
    run_turns(*loop, 2);
    EXPECT_EQ(probe.calls.size(), calls);
}

TEST_P(PollTest, EveryCallbackOfATurnHearsTheSameTime) {
    const Pipe one;
    const Pipe two;
    one.put();
    two.put();
    Probe first;
    Probe second;
    ASSERT_TRUE(loop->poll_once(first, one.reader.get(), POLLIN));
    ASSERT_TRUE(loop->poll_once(second, two.reader.get(), POLLIN));
    Instant turn = 0;
    Driver driver;
    driver.on_turn = [&](Instant now) {
        turn = now;
        loop->stop();
    };
    const Instant before = monotonic_now();
    ASSERT_TRUE(loop->run(driver));
    EXPECT_GE(turn, before);
    EXPECT_EQ(first.last_time, turn);
    EXPECT_EQ(second.last_time, turn);
}

// More than the submission queue takes (4096), more than a turn's batch.
TEST_P(PollTest, FiveThousandAtOnce) {
    constexpr unsigned kPipes = 5000;
    if (!room_for_descriptors(2 * kPipes + 100)) {
        GTEST_SKIP() << "RLIMIT_NOFILE is below " << 2 * kPipes + 100;
    }
    const std::vector<Pipe> pipes(kPipes);
    std::vector<Probe> probes(kPipes);
    for (unsigned i = 0; i < kPipes; ++i) {
        ASSERT_TRUE(loop->poll_once(probes[i], pipes[i].reader.get(), POLLIN));
    }
    run_turns(*loop, 1); // armed in the kernel
    for (const Pipe& pipe : pipes) {
        pipe.put();
    }
    const std::uint64_t turns_before = loop->stats().turns;
    run_until(*loop, [&] { return std::ranges::none_of(probes, &Probe::pending); });
    for (const Probe& probe : probes) {
        ASSERT_THAT(probe.calls, ElementsAre(POLLIN));
    }
    EXPECT_EQ(loop->stats().completions, kPipes);
    EXPECT_EQ(loop->stats().overflows, 0);
    // Two batches, one turn of a single completion that some kernels begin with, the turn that stops.
    EXPECT_LE(loop->stats().turns - turns_before, 4);
}

} // namespace

} // namespace knell::test

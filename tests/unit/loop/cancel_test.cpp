#include "tests/unit/loop/loop_fixture.hpp"

#include <poll.h>
#include <unistd.h>

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace knell::test {

namespace {

using testing::ElementsAre;

class CancelTest : public LoopTest {
  protected:
    // The kernel has the wait.
    void arm(Probe& probe, const Pipe& pipe) {
        ASSERT_TRUE(loop->poll_once(probe, pipe.reader.get(), POLLIN));
        run_turns(*loop, 1);
        ASSERT_TRUE(probe.pending());
    }
    void run_until_idle(const Probe& probe) {
        run_until(*loop, [&] { return !probe.pending(); });
    }
};
INSTANTIATE_TEST_SUITE_P(Loop, CancelTest, every_variant(), variant_name);

TEST_P(CancelTest, EndsAWait) {
    const Pipe pipe;
    Probe probe;
    arm(probe, pipe);
    loop->cancel(probe);
    EXPECT_TRUE(probe.pending());
    EXPECT_TRUE(probe.calls.empty()) << "never from within the call";
    run_until_idle(probe);
    pipe.put();
    run_turns(*loop, 3);
    EXPECT_THAT(probe.calls, ElementsAre(-ECANCELED));
}

TEST_P(CancelTest, EndsAWaitThatTheKernelHasNotSeenYet) {
    const Pipe pipe;
    pipe.put();
    Probe probe;
    ASSERT_TRUE(loop->poll_once(probe, pipe.reader.get(), POLLIN));
    loop->cancel(probe);
    EXPECT_TRUE(probe.calls.empty());
    run_until_idle(probe);
    run_turns(*loop, 3);
    EXPECT_THAT(probe.calls, ElementsAre(-ECANCELED));
}

TEST_P(CancelTest, WinsAgainstReadinessThatNobodyCollectedYet) {
    const Pipe pipe;
    Probe probe;
    arm(probe, pipe);
    pipe.put();
    loop->cancel(probe);
    run_until_idle(probe);
    run_turns(*loop, 3);
    EXPECT_THAT(probe.calls, ElementsAre(-ECANCELED));
}

TEST_P(CancelTest, TwiceIsOnce) {
    const Pipe pipe;
    Probe probe;
    arm(probe, pipe);
    loop->cancel(probe);
    loop->cancel(probe);
    run_turns(*loop, 1);
    loop->cancel(probe);
    run_turns(*loop, 3);
    EXPECT_THAT(probe.calls, ElementsAre(-ECANCELED));
}

TEST_P(CancelTest, OfAnIdleOpDoesNothing) {
    const Pipe pipe;
    Probe probe;
    loop->cancel(probe);
    pipe.put();
    ASSERT_TRUE(loop->poll_once(probe, pipe.reader.get(), POLLIN));
    run_until_idle(probe);
    loop->cancel(probe);
    run_turns(*loop, 3);
    EXPECT_THAT(probe.calls, ElementsAre(POLLIN));
}

TEST_P(CancelTest, LeavesTheOpUsable) {
    const Pipe pipe;
    Probe probe([&](int revents) {
        if (revents == -ECANCELED) {
            EXPECT_TRUE(loop->poll_once(probe, pipe.reader.get(), POLLIN));
        }
    });
    arm(probe, pipe);
    loop->cancel(probe);
    pipe.put();
    run_until_idle(probe);
    run_turns(*loop, 3);
    EXPECT_THAT(probe.calls, ElementsAre(-ECANCELED, POLLIN));
}

// The kernel must not know the address any more, or it would report the old descriptor to the new op.
TEST_P(CancelTest, LeavesNothingForTheNextOpAtTheSameAddress) {
    const Pipe old;
    const Pipe quiet;
    std::optional<Probe> probe(std::in_place);
    arm(*probe, old);
    loop->cancel(*probe);
    run_until_idle(*probe);

    probe.emplace();
    arm(*probe, quiet);
    old.put();
    run_turns(*loop, 3);
    EXPECT_TRUE(probe->calls.empty());
}

// Two ops whose completions come in one batch.
class PairTest : public CancelTest {
  protected:
    // `on_ready` is told which op is the other one.
    void run_both(const std::function<void(std::unique_ptr<Probe>& other, int revents)>& on_ready) {
        for (std::size_t i = 0; i < 2; ++i) {
            probes[i] = std::make_unique<Probe>([this, i, on_ready](int revents) {
                turns.push_back(loop->stats().turns);
                results.push_back(revents);
                on_ready(probes[1 - i], revents);
            });
            arm(*probes[i], pipes[i]);
        }
        pipes[0].put();
        pipes[1].put();
        run_until(*loop, [&] { return results.size() == 2; });
        run_turns(*loop, 3);
    }

    std::array<Pipe, 2> pipes;
    std::array<std::unique_ptr<Probe>, 2> probes;
    std::vector<int> results;
    std::vector<std::uint64_t> turns;
};
INSTANTIATE_TEST_SUITE_P(Loop, PairTest, every_variant(), variant_name);

TEST_P(PairTest, OneCancelsTheOther) {
    run_both([&](std::unique_ptr<Probe>& other, int) { loop->cancel(*other); });
    EXPECT_THAT(results, ElementsAre(POLLIN, -ECANCELED));
    EXPECT_GT(turns.back(), turns.front()) << "in a later turn";
}

TEST_P(PairTest, TheCancelledOneIsDestroyedWhenItWasTold) {
    run_both([&](std::unique_ptr<Probe>& other, int revents) {
        if (revents > 0) {
            loop->cancel(*other);
        } else {
            probes[&other == &probes[0] ? 1 : 0].reset();
        }
    });
    EXPECT_THAT(results, ElementsAre(POLLIN, -ECANCELED));
}

TEST_P(PairTest, OneDestroysTheOtherThatIsDone) {
    run_both([](std::unique_ptr<Probe>& other, int) {
        if (!other->pending()) {
            other.reset();
        }
    });
    EXPECT_THAT(results, ElementsAre(POLLIN, POLLIN));
    EXPECT_NE(probes[0] == nullptr, probes[1] == nullptr);
}

TEST_P(CancelTest, AnIdleOpMayBeDestroyedInAnotherCallback) {
    const Pipe one;
    const Pipe two;
    one.put();
    two.put();
    auto idle = std::make_unique<Probe>();
    ASSERT_TRUE(loop->poll_once(*idle, one.reader.get(), POLLIN));
    run_until_idle(*idle);
    Probe destroyer([&](int) { idle.reset(); });
    ASSERT_TRUE(loop->poll_once(destroyer, two.reader.get(), POLLIN));
    run_until_idle(destroyer);
    one.put();
    run_turns(*loop, 3);
    EXPECT_EQ(idle, nullptr);
}

// Between the wait and the callbacks: the completions of all are in the batch already.
TEST_P(CancelTest, AtTheBeginningOfTheTurnThatWouldReport) {
    const Pipe pipe;
    Probe probe;
    arm(probe, pipe);
    pipe.put();
    Driver driver;
    driver.on_turn = [&](Instant) {
        loop->cancel(probe);
        loop->stop();
    };
    ASSERT_TRUE(loop->run(driver));
    run_turns(*loop, 3);
    EXPECT_THAT(probe.calls, ElementsAre(-ECANCELED));
}

// More than the submission queue takes, half of them ready.
TEST_P(CancelTest, OfFiveThousand) {
    constexpr unsigned kProbes = 5000;
    if (!room_for_descriptors(kProbes + 100)) {
        GTEST_SKIP() << "RLIMIT_NOFILE is below " << kProbes + 100;
    }
    const Pipe quiet;
    const Pipe readable;
    readable.put();
    std::vector<Fd> descriptors;
    std::vector<Probe> probes(kProbes);
    for (unsigned i = 0; i < kProbes; ++i) {
        descriptors.emplace_back(::dup(i % 2 == 0 ? quiet.reader.get() : readable.reader.get()));
        ASSERT_TRUE(loop->poll_once(probes[i], descriptors.back().get(), POLLIN));
    }
    Driver driver;
    driver.on_turn = [&](Instant) {
        std::ranges::for_each(probes, [&](Probe& probe) { loop->cancel(probe); });
        loop->stop();
    };
    ASSERT_TRUE(loop->run(driver));
    run_until(*loop, [&] { return std::ranges::none_of(probes, &Probe::pending); });
    run_turns(*loop, 2);
    for (const Probe& probe : probes) {
        ASSERT_THAT(probe.calls, ElementsAre(-ECANCELED));
    }
}

} // namespace

} // namespace knell::test

#include "agent/loop/wake_fd.hpp"
#include "tests/unit/loop/loop_fixture.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <thread>
#include <vector>

namespace knell::test {

namespace {

class WakeTest : public LoopTest {
  protected:
    // For what counts or times each turn: the ring of an earlier case may still be ending, which interrupts the sleep
    // of the thread that had it.
    void on_fresh_thread(const std::function<void()>& body) {
        on_own_thread([&] {
            Result<std::unique_ptr<Loop>> made = make_variant(GetParam());
            ASSERT_TRUE(made) << made.error().message;
            loop = std::move(*made);
            body();
            loop.reset();
        });
    }
};
INSTANTIATE_TEST_SUITE_P(Loop, WakeTest, every_variant(), variant_name);

// The loop sleeps without limit and must see each number after its wake(): a lost one hangs. That the turns are as many
// as the wakes shows that an idle loop makes none of its own accord, with a hundred waits armed.
TEST_P(WakeTest, EachWakeGivesOneTurnAndNothingElseDoes) {
    on_fresh_thread([&] {
        constexpr int kWakes = 5000;
        const Pipe pipe;
        std::vector<Fd> descriptors;
        std::vector<Probe> probes(100);
        for (Probe& probe : probes) {
            descriptors.emplace_back(::dup(pipe.reader.get()));
            ASSERT_TRUE(loop->poll_once(probe, descriptors.back().get(), POLLIN));
        }
        std::atomic<int> asked = 0;
        std::atomic<int> seen = 0;
        Driver driver;
        driver.on_turn = [&](Instant) {
            seen = asked.load();
            seen.notify_one();
        };
        std::jthread waker([&] {
            for (int i = 1; i <= kWakes; ++i) {
                asked = i;
                loop->wake();
                seen.wait(i - 1);
            }
            loop->stop();
        });
        ASSERT_TRUE(loop->run(driver));
        EXPECT_EQ(seen, kWakes);
        EXPECT_GE(loop->stats().turns, kWakes);
        EXPECT_LE(loop->stats().turns, kWakes + 1) << "stop() may need a turn of its own";
        EXPECT_EQ(loop->stats().completions, 0);
    });
}

TEST_P(WakeTest, WakesMerge) {
    for (int i = 0; i < 1000; ++i) {
        loop->wake();
    }
    std::jthread stopper;
    Driver driver;
    driver.on_turn = [&](Instant) {
        if (!stopper.joinable()) {
            stopper = std::jthread([&] { loop->stop(); });
        }
    };
    ASSERT_TRUE(loop->run(driver));
    EXPECT_LE(loop->stats().turns, 2) << "one for the wakes, one for stop()";
}

// Nobody waits for an answer here: wakes race with the loop's consuming them.
TEST_P(WakeTest, TheLastOfManyRacingWakesIsNotLost) {
    constexpr int kThreads = 4;
    constexpr int kWakes = 5000;
    std::atomic<int> published = 0;
    Driver driver;
    driver.on_turn = [&](Instant) {
        if (published == kThreads * kWakes) {
            loop->stop();
        }
    };
    std::vector<std::jthread> wakers;
    for (int i = 0; i < kThreads; ++i) {
        wakers.emplace_back([&] {
            for (int wake = 0; wake < kWakes; ++wake) {
                ++published;
                loop->wake();
            }
        });
    }
    ASSERT_TRUE(loop->run(driver));
    EXPECT_EQ(published, kThreads * kWakes);
}

TEST_P(WakeTest, StopFromAnotherThreadEndsASleep) {
    std::jthread stopper;
    Driver driver;
    driver.on_sleep = [&]() -> std::optional<Nanoseconds> {
        if (!stopper.joinable()) {
            stopper = std::jthread([&] { loop->stop(); });
        }
        return std::nullopt;
    };
    ASSERT_TRUE(loop->run(driver));
}

TEST_P(WakeTest, StopBeforeRunMakesNoTurnAndCountsOnce) {
    loop->stop();
    Driver driver;
    ASSERT_TRUE(loop->run(driver));
    EXPECT_EQ(loop->stats().turns, 0);
    run_turns(*loop, 3);
    EXPECT_EQ(loop->stats().turns, 3);
}

TEST_P(WakeTest, StopInACallbackEndsWithTheTurn) {
    const Pipe pipe;
    pipe.put();
    Probe probe([&](int) { loop->stop(); });
    ASSERT_TRUE(loop->poll_once(probe, pipe.reader.get(), POLLIN));
    Driver driver;
    ASSERT_TRUE(loop->run(driver));
    EXPECT_EQ(loop->stats().turns, 1);
}

TEST_P(WakeTest, ALimitedSleepEndsOfItselfAndNotEarly) {
    on_fresh_thread([&] {
        constexpr Nanoseconds kLimit = 2 * kMillisecond + 1;
        Instant previous = 0;
        Driver driver;
        driver.on_sleep = [] { return kLimit; };
        driver.on_turn = [&](Instant now) {
            if (previous != 0) {
                EXPECT_GE(now - previous, kLimit);
            }
            previous = now;
            if (loop->stats().turns == 4) {
                loop->stop();
            }
        };
        ASSERT_TRUE(loop->run(driver));
    });
}

// What the callbacks of a turn take is part of the sleep that the driver allowed.
TEST_P(WakeTest, ALimitThatIsUsedUpAlreadyIsNoSleep) {
    Driver driver;
    driver.on_sleep = [] { return Nanoseconds{1}; };
    driver.on_turn = [&](Instant) {
        if (loop->stats().turns == 100) {
            loop->stop();
        }
    };
    ASSERT_TRUE(loop->run(driver));
}

TEST_P(WakeTest, WithoutSleepItStillCollects) {
    const Pipe pipe;
    Probe probe;
    ASSERT_TRUE(loop->poll_once(probe, pipe.reader.get(), POLLIN));
    run_turns(*loop, 1);
    pipe.put();
    run_turns(*loop, 1);
    EXPECT_EQ(probe.calls.size(), 1);
}

TEST(WakeFd, WritesOncePerConsume) {
    Result<Fd> eventfd = WakeFd::open();
    ASSERT_TRUE(eventfd) << eventfd.error().message;
    WakeFd wake(std::move(*eventfd));
    eventfd_t writes = 0;
    for (int round = 0; round < 2; ++round) {
        wake.signal();
        wake.signal();
        wake.signal();
        ASSERT_EQ(::eventfd_read(wake.fd(), &writes), 0);
        EXPECT_EQ(writes, 1);
        wake.consume();
        EXPECT_NE(::eventfd_read(wake.fd(), &writes), 0) << "nothing is left";
    }
}

} // namespace

} // namespace knell::test

#include "agent/loop/signals.hpp"
#include "tests/unit/loop/loop_fixture.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <gmock/gmock.h>

#include <csignal>

namespace knell::test {

namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

bool blocked(int signal) {
    sigset_t mask;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    return ::sigismember(&mask, signal) == 1;
}

class SignalsTest : public LoopTest {
  protected:
    std::unique_ptr<SignalWatch> watch(const std::vector<int>& signals) {
        auto made = SignalWatch::make(*loop, signals, [this](int signal, Instant now) {
            seen.push_back(signal);
            last_time = now;
        });
        EXPECT_TRUE(made) << made.error().message;
        return std::move(*made);
    }

    std::vector<int> seen;
    Instant last_time = 0;
};
INSTANTIATE_TEST_SUITE_P(Loop, SignalsTest, every_variant(), variant_name);

TEST_P(SignalsTest, ASignalBecomesACallback) {
    const auto signals = watch({SIGUSR1, SIGTERM});
    const Instant before = monotonic_now();
    ::kill(::getpid(), SIGTERM);
    run_until(*loop, [&] { return !seen.empty(); });
    EXPECT_THAT(seen, ElementsAre(SIGTERM));
    EXPECT_GE(last_time, before);
}

TEST_P(SignalsTest, GoesOnAfterTheFirst) {
    const auto signals = watch({SIGUSR1, SIGUSR2});
    for (const std::size_t round : {1U, 2U, 3U}) {
        ::raise(SIGUSR1);
        run_until(*loop, [&] { return seen.size() == round; });
    }
    EXPECT_THAT(seen, ElementsAre(SIGUSR1, SIGUSR1, SIGUSR1));
}

TEST_P(SignalsTest, TakesAllThatAreWaiting) {
    const auto signals = watch({SIGUSR1, SIGUSR2, SIGTERM});
    for (const int signal : {SIGUSR1, SIGUSR2, SIGTERM}) {
        ::raise(signal);
    }
    run_until(*loop, [&] { return seen.size() == 3; });
    EXPECT_THAT(seen, UnorderedElementsAre(SIGUSR1, SIGUSR2, SIGTERM));
}

// Real-time signals queue; more of them than one read takes.
TEST_P(SignalsTest, AFloodTakesSeveralTurns) {
    const auto signals = watch({SIGRTMIN});
    constexpr std::size_t kSignals = 50;
    for (std::size_t i = 0; i < kSignals; ++i) {
        ASSERT_EQ(::sigqueue(::getpid(), SIGRTMIN, sigval{}), 0);
    }
    run_turns(*loop, 1);
    EXPECT_LT(seen.size(), kSignals);
    run_until(*loop, [&] { return seen.size() == kSignals; });
}

TEST_P(SignalsTest, RestoresTheMaskThatItFound) {
    sigset_t already;
    ::sigemptyset(&already);
    ::sigaddset(&already, SIGUSR2);
    ::pthread_sigmask(SIG_BLOCK, &already, nullptr);
    {
        const auto signals = watch({SIGUSR1, SIGUSR2});
        EXPECT_TRUE(blocked(SIGUSR1));
        EXPECT_TRUE(blocked(SIGUSR2));
    }
    EXPECT_FALSE(blocked(SIGUSR1));
    EXPECT_TRUE(blocked(SIGUSR2));
    ::pthread_sigmask(SIG_UNBLOCK, &already, nullptr);
}

TEST_P(SignalsTest, RefusesWhatIsNoSignal) {
    const auto made = SignalWatch::make(*loop, {SIGUSR1, 4711}, [](int, Instant) {});
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().errno_value, EINVAL);
    EXPECT_FALSE(blocked(SIGUSR1));
}

// Deaf to SIGTERM would be worse than dying of it.
TEST(Signals, GetTheirEffectBackWhenTheyCannotBeWaitedFor) {
    on_own_thread([] {
        const auto loop = make_variant(Variant::epoll);
        ASSERT_TRUE(loop) << loop.error().message;
        std::size_t seen = 0;
        const auto signals = SignalWatch::make(**loop, {SIGUSR1}, [&](int, Instant) { ++seen; });
        ASSERT_TRUE(signals) << signals.error().message;
        EXPECT_TRUE(blocked(SIGUSR1));
        refuse({.number = SYS_epoll_ctl, .errno_value = ENOMEM});
        ::raise(SIGUSR1);
        run_until(**loop, [&] { return seen == 1; });
        EXPECT_FALSE(blocked(SIGUSR1));
    });
}

} // namespace

} // namespace knell::test

#include "agent/pidfd/pidfd.hpp"

#include "tests/pidfd/child.hpp"
#include "tests/pidfd/kernel_age.hpp"
#include "tests/support/children.hpp"

#include <gtest/gtest.h>

#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <csignal>
#include <future>
#include <optional>

namespace knell::test {
namespace {

// A poll() in another thread, which is asleep when the constructor returns.
class Poller {
  public:
    Poller(const Pidfd& pidfd, ProcessState at_least) {
        std::promise<pid_t> tid;
        answer_ = std::async(std::launch::async, [&] {
            thread_ = ::pthread_self();
            tid.set_value(own_tid());
            return pidfd.poll(at_least, kPatienceNs);
        });
        await_thread_state(::getpid(), tid.get_future().get(), 'S');
    }
    [[nodiscard]] bool woken() const { return answer_.wait_for(std::chrono::seconds(0)) == std::future_status::ready; }
    [[nodiscard]] ProcessState answer() { return value_of(answer_.get()); }
    [[nodiscard]] pthread_t thread() const { return thread_; }

  private:
    pthread_t thread_{};
    std::future<Result<ProcessState>> answer_;
};

// SIGUSR1 ends system calls (no SA_RESTART) as long as this lives.
class CaughtSignal {
  public:
    explicit CaughtSignal(void (*handler)(int)) {
        struct sigaction action{};
        action.sa_handler = handler;
        ::sigaction(SIGUSR1, &action, &before_);
    }
    CaughtSignal(CaughtSignal&&) = delete;
    CaughtSignal& operator=(CaughtSignal&&) = delete;
    ~CaughtSignal() { ::sigaction(SIGUSR1, &before_, nullptr); }

  private:
    struct sigaction before_{};
};

class PidfdPoll : public OnKernelAge {};
INSTANTIATE_TEST_SUITE_P(Kernels, PidfdPoll, testing::Values(kNewest, kBeforePidfs), age_name);

TEST_P(PidfdPoll, TellsEachState) {
    const Child child(sleep_for_ever);
    const Pidfd pidfd = child.open();
    const auto look = [&pidfd](ProcessState at_least) { return value_of(pidfd.poll(at_least, 0)); };
    const ProcessState states[] = {ProcessState::running, ProcessState::zombie, ProcessState::reaped};
    for (const ProcessState at_least : states) {
        EXPECT_EQ(look(at_least), ProcessState::running);
    }
    child.kill(SIGKILL);
    child.await_death();
    for (const ProcessState at_least : states) {
        EXPECT_EQ(look(at_least), ProcessState::zombie);
    }
    (void)child.reap();
    for (const ProcessState at_least : states) {
        EXPECT_EQ(look(at_least), ProcessState::reaped);
    }
}

TEST_P(PidfdPoll, IsPatientForAsLongAsItWasTold) {
    const Child child(sleep_for_ever);
    const Pidfd pidfd = child.open();
    constexpr Nanoseconds kShort = 20 * kMillisecond;
    const Instant start = monotonic_now();
    EXPECT_EQ(value_of(pidfd.poll(ProcessState::zombie, kShort)), ProcessState::running);
    EXPECT_GE(elapsed(start, monotonic_now()), kShort);
    child.kill(SIGKILL);
    child.await_death();
    const Instant second_start = monotonic_now();
    EXPECT_EQ(value_of(pidfd.poll(ProcessState::reaped, kShort)), ProcessState::zombie);
    EXPECT_GE(elapsed(second_start, monotonic_now()), kShort);
    EXPECT_EQ(value_of(pidfd.poll(ProcessState::zombie, std::nullopt)), ProcessState::zombie);
    EXPECT_EQ(value_of(pidfd.poll(ProcessState::zombie, ~Nanoseconds{0})), ProcessState::zombie) << "no overflow";
}

TEST_P(PidfdPoll, WakesAtTheDeathAndAtTheReap) {
    const Child child(sleep_for_ever);
    const Pidfd pidfd = child.open();
    {
        Poller poller(pidfd, ProcessState::zombie);
        child.kill(SIGKILL);
        EXPECT_EQ(poller.answer(), ProcessState::zombie);
    }
    Poller poller(pidfd, ProcessState::reaped);
    EXPECT_FALSE(poller.woken());
    (void)child.reap();
    EXPECT_EQ(poller.answer(), ProcessState::reaped);
}

TEST_P(PidfdPoll, ASignalDoesNotEndIt) {
    static std::atomic<int> caught;
    caught = 0;
    const CaughtSignal signal([](int) { ++caught; });
    const Child child(sleep_for_ever);
    const Pidfd pidfd = child.open();
    Poller poller(pidfd, ProcessState::zombie);
    ASSERT_EQ(::pthread_kill(poller.thread(), SIGUSR1), 0);
    while (caught == 0) {
        ::sched_yield();
    }
    child.kill(SIGKILL);
    EXPECT_EQ(poller.answer(), ProcessState::zombie);
}

// pidfd_poll_test: a wake-up that gets lost would cost kPatience, and the answer be `running`.
TEST_P(PidfdPoll, ManyExits) {
    for (int round = 0; round < 500; ++round) {
        const Child child([](const Line&) { return 0; });
        const Pidfd pidfd = child.open();
        ASSERT_EQ(value_of(pidfd.poll(ProcessState::zombie, kPatienceNs)), ProcessState::zombie) << round;
        ASSERT_EQ(child.reap(), 0);
        ASSERT_EQ(value_of(pidfd.poll(ProcessState::reaped, kPatienceNs)), ProcessState::reaped) << round;
    }
}

TEST_P(PidfdPoll, WhereChildrenAreReapedByThemselves) {
    const Child parent([](const Line&) {
        ::signal(SIGCHLD, SIG_IGN);
        const Child child(sleep_for_ever);
        const Pidfd pidfd = child.open();
        child.kill(SIGKILL);
        return value_of(pidfd.poll(ProcessState::reaped, kPatienceNs)) == ProcessState::reaped ? 0 : 1;
    });
    EXPECT_EQ(parent.reap(), 0);
}

TEST_P(PidfdPoll, OfAProcessThatIsNoChild) {
    const Child parent([](const Line& line) {
        const Child child([](const Line&) { return 0; });
        child.await_death();
        line.tell(child.pid());
        (void)line.hear();
        (void)child.reap();
        line.tell();
        return sleep_for_ever(line);
    });
    const Pidfd stranger = value_of(Pidfd::open(static_cast<pid_t>(parent.line().hear())));
    EXPECT_EQ(value_of(stranger.poll(ProcessState::zombie, kPatienceNs)), ProcessState::zombie);
    Poller poller(stranger, ProcessState::reaped);
    parent.line().tell();
    EXPECT_EQ(poller.answer(), ProcessState::reaped);
}

// pidfd_test: poll_leader_exit. The process is dead when the last of its threads is.
TEST_P(PidfdPoll, NotAtTheLeadersExit) {
    const Child child(leave_leader_first(5));
    const Pidfd pidfd = child.open();
    Poller poller(pidfd, ProcessState::zombie);
    (void)child.line().hear();
    await_thread_state(child.pid(), child.pid(), 'Z');
    EXPECT_FALSE(poller.woken());
    EXPECT_EQ(value_of(pidfd.poll(ProcessState::zombie, 0)), ProcessState::running);
    child.line().tell();
    EXPECT_EQ(poller.answer(), ProcessState::zombie);
    EXPECT_EQ(WEXITSTATUS(child.reap()), 5);
}

// pidfd_test: poll_exec. A thread that executes a program becomes the first one, and kills that.
TEST_P(PidfdPoll, NotAtTheExecOfAThread) {
    for (const bool leader_leaves : {false, true}) {
        const Child child(execute_in_thread(leader_leaves));
        const Pidfd pidfd = child.open();
        Poller poller(pidfd, ProcessState::zombie);
        (void)child.line().hear();
        child.line().tell();
        child.line().await_end();
        EXPECT_FALSE(poller.woken());
        EXPECT_EQ(value_of(pidfd.poll(ProcessState::zombie, 0)), ProcessState::running);
        child.kill(SIGKILL);
        EXPECT_EQ(poller.answer(), ProcessState::zombie);
        EXPECT_EQ(WTERMSIG(child.reap()), SIGKILL);
    }
}

} // namespace
} // namespace knell::test

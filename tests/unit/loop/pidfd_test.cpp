#include "tests/unit/loop/loop_fixture.hpp"

#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gmock/gmock.h>

#include <algorithm>
#include <csignal>

namespace knell::test {

namespace {

using testing::ElementsAre;

// A child that waits to be killed, and its pidfd.
struct Child {
    Child() : pid(::fork()) {
        if (pid == 0) {
            for (;;) {
                ::pause();
            }
        }
        pidfd = Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
        EXPECT_TRUE(pidfd) << std::strerror(errno);
    }
    ~Child() {
        kill();
        reap();
    }
    void kill() const {
        if (pid > 0) {
            ::kill(pid, SIGKILL);
        }
    }
    void reap() {
        if (pid > 0) {
            EXPECT_EQ(::waitpid(pid, nullptr, 0), pid);
            pid = -1;
        }
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    pid_t pid;
    Fd pidfd;
};

// Linux >= 6.9 (fs/pidfs.c, pidfd_poll).
bool kernel_reports_the_reap() {
    Child child;
    child.kill();
    child.reap();
    pollfd poll{.fd = child.pidfd.get(), .events = 0, .revents = 0};
    return ::poll(&poll, 1, 0) == 1 && (poll.revents & POLLHUP) != 0;
}

class PidfdTest : public LoopTest {};
INSTANTIATE_TEST_SUITE_P(Loop, PidfdTest, every_variant(), variant_name);

TEST_P(PidfdTest, ReportsTheExitThenTheReap) {
    if (!kernel_reports_the_reap()) {
        GTEST_SKIP() << "a pidfd gives no POLLHUP before Linux 6.9";
    }
    Child child;
    Probe probe;
    ASSERT_TRUE(loop->poll_once(probe, child.pidfd.get(), POLLIN));
    run_turns(*loop, 2);
    EXPECT_TRUE(probe.calls.empty());
    child.kill();
    run_until(*loop, [&] { return !probe.pending(); });
    EXPECT_THAT(probe.calls, ElementsAre(POLLIN));

    // A zombie stays readable; without events the wait is for the reap alone.
    ASSERT_TRUE(loop->poll_once(probe, child.pidfd.get(), 0));
    run_turns(*loop, 3);
    EXPECT_THAT(probe.calls, ElementsAre(POLLIN));
    child.reap();
    run_until(*loop, [&] { return !probe.pending(); });
    EXPECT_THAT(probe.calls, ElementsAre(POLLIN, POLLHUP));
}

TEST_P(PidfdTest, ReportsEachOfManyThatDieAtOnce) {
    std::vector<Child> children(100);
    std::vector<Probe> probes(children.size());
    for (std::size_t i = 0; i < children.size(); ++i) {
        ASSERT_TRUE(loop->poll_once(probes[i], children[i].pidfd.get(), POLLIN));
    }
    run_turns(*loop, 1);
    std::ranges::for_each(children, &Child::kill);
    run_until(*loop, [&] { return std::ranges::none_of(probes, &Probe::pending); });
    for (const Probe& probe : probes) {
        EXPECT_THAT(probe.calls, ElementsAre(POLLIN));
    }
}

} // namespace

} // namespace knell::test

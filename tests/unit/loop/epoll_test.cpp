#include "agent/loop/epoll_loop.hpp"
#include "tests/unit/loop/loop_fixture.hpp"

#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <gmock/gmock.h>

#include <cerrno>

namespace knell::test {

namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Kernels without epoll_pwait2 answer ENOSYS, old seccomp profiles EPERM.
class EpollWithoutPwait2Test : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Loop, EpollWithoutPwait2Test, testing::Values(ENOSYS, EPERM));

TEST_P(EpollWithoutPwait2Test, SleepsInMilliseconds) {
    on_own_thread([] {
        refuse({.number = SYS_epoll_pwait2, .errno_value = GetParam()});
        auto loop = EpollLoop::make();
        ASSERT_TRUE(loop) << loop.error().message;
        constexpr Nanoseconds kLimit = kMillisecond + 1;
        Instant previous = 0;
        Driver driver;
        driver.on_sleep = [] { return kLimit; };
        driver.on_turn = [&](Instant now) {
            if (previous != 0) {
                EXPECT_GE(now - previous, kLimit) << "rounded down";
            }
            previous = now;
            if ((*loop)->stats().turns == 3) {
                (*loop)->stop();
            }
        };
        ASSERT_TRUE((*loop)->run(driver));
    });
}

TEST_P(EpollWithoutPwait2Test, SleepsWithoutLimitAndNotAtAll) {
    on_own_thread([] {
        refuse({.number = SYS_epoll_pwait2, .errno_value = GetParam()});
        auto loop = EpollLoop::make();
        ASSERT_TRUE(loop) << loop.error().message;
        const Pipe pipe;
        Probe probe;
        ASSERT_TRUE((*loop)->poll_once(probe, pipe.reader.get(), POLLIN));
        run_turns(**loop, 3);
        EXPECT_TRUE(probe.calls.empty());
        pipe.put();
        run_until(**loop, [&] { return !probe.pending(); });
        EXPECT_THAT(probe.calls, ElementsAre(POLLIN));
    });
}

TEST(Epoll, SaysWhatItRefusedAndWhy) {
    auto loop = EpollLoop::make();
    ASSERT_TRUE(loop) << loop.error().message;
    const Fd file(::memfd_create("plain file", MFD_CLOEXEC));
    Probe probe;
    const Result<> armed = (*loop)->poll_once(probe, file.get(), POLLIN);
    ASSERT_FALSE(armed);
    EXPECT_EQ(armed.error().errno_value, EPERM);
    EXPECT_THAT(armed.error().message, HasSubstr("cannot be polled"));
    EXPECT_FALSE(probe.pending());
}

} // namespace

} // namespace knell::test

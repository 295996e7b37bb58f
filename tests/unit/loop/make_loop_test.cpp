#include "agent/loop/uring_refusal.hpp"
#include "tests/unit/loop/loop_fixture.hpp"

#include <sys/syscall.h>

#include <gmock/gmock.h>

#include <cerrno>

namespace knell::test {

namespace {

using testing::HasSubstr;

TEST(MakeLoop, EpollOnRequestNeedsNoExcuse) {
    const auto made = make_loop(BackendChoice::epoll);
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(made->loop->backend(), Loop::Backend::epoll);
    EXPECT_EQ(made->why_not_io_uring, "");
}

TEST(MakeLoop, AutomaticTakesIoUringOrSaysWhyNot) {
    const auto made = make_loop(BackendChoice::automatic);
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(made->loop->backend() == Loop::Backend::io_uring, made->why_not_io_uring.empty());
    run_turns(*made->loop, 3);
    EXPECT_EQ(made->loop->stats().turns, 3);
}

// What a container's seccomp profile does, at either of the two system calls.
class RefusedTest : public testing::TestWithParam<Refusal> {};
INSTANTIATE_TEST_SUITE_P(MakeLoop, RefusedTest,
                         testing::Values(Refusal{.number = SYS_io_uring_setup, .errno_value = EPERM},
                                         Refusal{.number = SYS_io_uring_setup, .errno_value = ENOSYS},
                                         Refusal{.number = SYS_io_uring_enter, .errno_value = EPERM}));

TEST_P(RefusedTest, AutomaticFallsBackAndSaysWhy) {
    on_own_thread([] {
        refuse(GetParam());
        const auto made = make_loop(BackendChoice::automatic);
        ASSERT_TRUE(made) << made.error().message;
        EXPECT_EQ(made->loop->backend(), Loop::Backend::epoll);
        EXPECT_THAT(made->why_not_io_uring, HasSubstr("io_uring"));
        run_turns(*made->loop, 3);
        EXPECT_EQ(made->loop->stats().turns, 3);
    });
}

TEST_P(RefusedTest, ANamedBackendFails) {
    on_own_thread([] {
        refuse(GetParam());
        const auto made = make_loop(BackendChoice::io_uring);
        ASSERT_FALSE(made);
        EXPECT_THAT(made.error().message, HasSubstr("io_uring"));
        EXPECT_NE(made.error().errno_value, 0);
    });
}

struct Explanation {
    int errno_value;
    const char* disabled;
    const char* names;
};

class ExplanationTest : public testing::TestWithParam<Explanation> {};
INSTANTIATE_TEST_SUITE_P(MakeLoop, ExplanationTest,
                         testing::Values(Explanation{EPERM, "2", "kernel.io_uring_disabled is 2"},
                                         Explanation{EPERM, "1", "kernel.io_uring_group"},
                                         Explanation{EPERM, "0", "seccomp"}, Explanation{EPERM, "", "seccomp"},
                                         Explanation{ENOSYS, "0", "CONFIG_IO_URING"},
                                         Explanation{ENOMEM, "0", "RLIMIT_MEMLOCK"},
                                         Explanation{EMFILE, "0", "RLIMIT_NOFILE"}, Explanation{EINVAL, "", "5.11"}));

TEST_P(ExplanationTest, NamesTheCause) {
    EXPECT_THAT(std::string(explain_uring_refusal(GetParam().errno_value, GetParam().disabled)),
                HasSubstr(GetParam().names));
}

} // namespace

} // namespace knell::test

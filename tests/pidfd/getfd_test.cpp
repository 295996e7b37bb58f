#include "agent/pidfd/pidfd.hpp"

#include "agent/pidfd/problem.hpp"
#include "tests/pidfd/child.hpp"
#include "tests/pidfd/kernel_age.hpp"
#include "tests/support/children.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>

namespace knell::test {
namespace {

class PidfdGetfd : public OnKernelAge {
  protected:
    // Holds a file with the words "a child's", tells its number.
    Child child_{[](const Line& line) {
        const Fd file(::memfd_create("knell-test", MFD_CLOEXEC));
        (void)!::write(file.get(), "a child's", 9);
        line.tell(file.get());
        return static_cast<int>(line.hear());
    }};
    int number_ = static_cast<int>(child_.line().hear());
    Pidfd pidfd_ = child_.open();
};
INSTANTIATE_TEST_SUITE_P(Kernels, PidfdGetfd, testing::Values(kNewest, kBeforePidfs), age_name);

// pidfd_getfd_test: get_fd.
TEST_P(PidfdGetfd, Fetches) {
    const Fd file = value_of(pidfd_.getfd(number_));
    EXPECT_NE(::fcntl(file.get(), F_GETFD) & FD_CLOEXEC, 0);
    char text[16] = {};
    ASSERT_EQ(::pread(file.get(), text, sizeof(text), 0), 9);
    EXPECT_STREQ(text, "a child's");
}

// pidfd_getfd_test: unknown_fd.
TEST_P(PidfdGetfd, UnknownDescriptor) {
    for (const int number : {number_ + 1'000'000, -1}) {
        const auto file = pidfd_.getfd(number);
        ASSERT_FALSE(file);
        EXPECT_EQ(file.error().errno_value, EBADF);
        EXPECT_NE(file.error().message.find("no such descriptor"), std::string::npos) << file.error().message;
    }
}

// pidfd_getfd_test: disable_ptrace.
TEST_P(PidfdGetfd, TakesTheRightToTrace) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "needs root: asks as another user";
    }
    const int answer = ask_as_nobody([this] {
        const auto file = pidfd_.getfd(number_);
        return file ? 0 : file.error().errno_value;
    });
    EXPECT_EQ(answer, EPERM);
}

// pidfd_getfd_test: no_strange_EBADF. The dead have no descriptors; that is not the caller's mistake.
TEST_P(PidfdGetfd, OfTheDead) {
    child_.line().tell();
    child_.await_death();
    EXPECT_EQ(problem_of(pidfd_.getfd(number_).error()), Problem::gone);
    (void)child_.reap();
    EXPECT_EQ(problem_of(pidfd_.getfd(number_).error()), Problem::gone);
}

} // namespace
} // namespace knell::test

#include "agent/base/fd.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>

#include <utility>

namespace knell {
namespace {

bool is_open(int fd) {
    return ::fcntl(fd, F_GETFD) >= 0;
}

Fd open_null() {
    return Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

TEST(Fd, ClosesAtTheEndOfItsLife) {
    int raw = -1;
    {
        const Fd fd = open_null();
        raw = fd.get();
        ASSERT_TRUE(is_open(raw));
    }
    EXPECT_FALSE(is_open(raw));
}

TEST(Fd, AMoveHandsOwnershipOver) {
    Fd first = open_null();
    const int raw = first.get();
    Fd second(std::move(first));
    EXPECT_FALSE(first); // NOLINT(bugprone-use-after-move): the state after a move is what is tested
    EXPECT_EQ(second.get(), raw);
    EXPECT_TRUE(is_open(raw));
}

TEST(Fd, AssignmentClosesWhatWasHeld) {
    Fd held = open_null();
    Fd other = open_null();
    const int old = held.get();
    const int raw = other.get();
    held = std::move(other);
    EXPECT_EQ(held.get(), raw);
    EXPECT_FALSE(is_open(old));
}

TEST(Fd, AReleasedDescriptorStaysOpen) {
    Fd fd = open_null();
    const Fd raw(fd.release());
    EXPECT_FALSE(fd);
    EXPECT_TRUE(is_open(raw.get()));
}

} // namespace
} // namespace knell

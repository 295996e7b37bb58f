#include "agent/pidfd/reservation.hpp"

#include "tests/pidfd/making.hpp"

#include <gtest/gtest.h>

#include <sys/mman.h>
#include <sys/stat.h>

#include <atomic>
#include <limits>
#include <thread>

namespace knell::test {
namespace {

Fd make_file() {
    return Fd(::memfd_create("content", MFD_CLOEXEC));
}

ino_t inode_of(int fd) {
    struct stat info{};
    return ::fstat(fd, &info) == 0 ? info.st_ino : 0;
}

TEST(FdReservation, TheNumberIsTakenAndGoodForNothing) {
    for (const int lowest : {0, 200}) {
        const auto reservation = value_of(FdReservation::reserve(lowest));
        char byte = 0;
        EXPECT_GE(reservation.number(), lowest);
        EXPECT_EQ(::fcntl(reservation.number(), F_GETFD), FD_CLOEXEC);
        EXPECT_EQ(::read(reservation.number(), &byte, 1), -1);
        EXPECT_EQ(errno, EBADF);
        EXPECT_EQ(::write(reservation.number(), &byte, 1), -1);
        EXPECT_EQ(errno, EBADF);
    }
}

TEST(FdReservation, PublishesThePromisedNumber) {
    const auto before = count_descriptors();
    auto reservation = value_of(FdReservation::reserve(100));
    const int promised = reservation.number();
    Fd content = make_file();
    const int number_of_content = content.get();
    const ino_t inode = inode_of(number_of_content);
    reservation.prepare(std::move(content));

    const Fd published = std::move(reservation).publish();
    EXPECT_EQ(published.get(), promised);
    EXPECT_EQ(inode_of(promised), inode);
    EXPECT_EQ(::fcntl(promised, F_GETFD), FD_CLOEXEC);
    EXPECT_FALSE(is_open(number_of_content));
    EXPECT_EQ(count_descriptors(), before + 1);
}

TEST(FdReservation, TheLastPreparedCounts) {
    const auto before = count_descriptors();
    auto reservation = value_of(FdReservation::reserve());
    reservation.prepare(make_file());
    Fd last = make_file();
    const ino_t inode = inode_of(last.get());
    reservation.prepare(std::move(last));
    EXPECT_EQ(inode_of(std::move(reservation).publish().get()), inode);
    EXPECT_EQ(count_descriptors(), before);
}

TEST(FdReservation, UnpublishedItLeavesNothing) {
    const auto before = count_descriptors();
    {
        auto prepared = value_of(FdReservation::reserve());
        prepared.prepare(make_file());
        auto moved = std::move(prepared);
        auto unprepared = value_of(FdReservation::reserve());
        EXPECT_EQ(count_descriptors(), before + 3);
        EXPECT_FALSE(std::move(unprepared).publish());
        EXPECT_EQ(count_descriptors(), before + 2);
    }
    EXPECT_EQ(count_descriptors(), before);
}

TEST(FdReservation, NobodyElseGetsTheNumberWhileItIsReplaced) {
    std::atomic<int> watched{-1};
    std::atomic<int> lost{0};
    std::jthread thief([&](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            // Takes the lowest free number: the promised one, if it is ever free.
            const Fd stolen(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 100));
            lost += stolen.get() == watched.load() ? 1 : 0;
        }
    });
    for (int i = 0; i < 2000; ++i) {
        auto reservation = value_of(FdReservation::reserve(100));
        reservation.prepare(make_file());
        watched = reservation.number();
        const Fd published = std::move(reservation).publish();
        ASSERT_TRUE(published);
        watched = -1;
    }
    EXPECT_EQ(lost, 0);
}

TEST(FdReservation, TheLastNumberCanBeReserved) {
    const DescriptorLimit limit(256);
    auto fillers = fill_descriptors(1);
    EXPECT_TRUE(FdReservation::reserve());
    EXPECT_EQ(FdReservation::reserve(256).error().errno_value, EINVAL);

    fillers.push_back(Fd(::dup(STDERR_FILENO)));
    const auto refused = FdReservation::reserve();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().errno_value, EMFILE);
    EXPECT_NE(refused.error().message.find("RLIMIT_NOFILE"), std::string::npos) << refused.error().message;
}

TEST(FdReservation, AFullUpperPartIsExhaustionToo) {
    const DescriptorLimit limit(256);
    auto fillers = fill_descriptors(0);
    const int free = fillers.front().get();
    fillers.front().reset();
    EXPECT_EQ(FdReservation::reserve(free + 1).error().errno_value, EMFILE);
    EXPECT_EQ(value_of(FdReservation::reserve(free)).number(), free);
}

TEST(FdReservation, RefusesNumbersThatCannotBe) {
    const auto before = count_descriptors();
    for (const int lowest : {-1, std::numeric_limits<int>::max()}) {
        EXPECT_EQ(FdReservation::reserve(lowest).error().errno_value, EINVAL) << lowest;
    }
    EXPECT_EQ(count_descriptors(), before);
}

TEST(FdReservation, ALoweredLimitLeavesNothingBehind) {
    auto reservation = value_of(FdReservation::reserve(200));
    reservation.prepare(make_file());
    const auto before = count_descriptors();
    const DescriptorLimit limit(200);
    EXPECT_FALSE(std::move(reservation).publish());
    EXPECT_EQ(count_descriptors(), before - 2);
}

} // namespace
} // namespace knell::test

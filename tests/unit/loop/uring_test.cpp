#include "agent/loop/uring_loop.hpp"
#include "tests/unit/loop/loop_fixture.hpp"

#include <liburing.h>

#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <gmock/gmock.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace knell::test {

namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class UringTest : public testing::TestWithParam<UringLoop::Mode> {
  protected:
    // Null where this machine refuses io_uring.
    static std::unique_ptr<UringLoop> make(UringLoop::Options options) {
        options.best_mode = GetParam();
        Result<std::unique_ptr<UringLoop>> made = UringLoop::make(options);
        return made ? std::move(*made) : nullptr;
    }
};
INSTANTIATE_TEST_SUITE_P(Loop, UringTest,
                         testing::Values(UringLoop::Mode::deferred, UringLoop::Mode::cooperative,
                                         UringLoop::Mode::plain));

TEST_P(UringTest, ACompletionQueueThatIsTooSmallLosesNothing) {
    const auto loop = make({.submission_entries = 4, .completion_entries = 8});
    if (!loop) {
        GTEST_SKIP() << "io_uring is refused here";
    }
    constexpr std::size_t kProbes = 100;
    const Pipe pipe;
    pipe.put();
    std::vector<Probe> probes(kProbes);
    for (Probe& probe : probes) {
        ASSERT_TRUE(loop->poll_once(probe, pipe.reader.get(), POLLIN));
    }
    run_until(*loop, [&] { return std::ranges::none_of(probes, &Probe::pending); });
    for (const Probe& probe : probes) {
        EXPECT_THAT(probe.calls, ElementsAre(POLLIN));
    }
    EXPECT_GE(loop->stats().overflows, 1);
}

// EAGAIN for every submission, while waiting alone still works: what is armed completes, the new wait stays queued.
TEST_P(UringTest, WithoutMemoryForRequestsItGoesOnCollecting) {
    on_own_thread([&] {
        const auto loop = make({});
        if (!loop) {
            GTEST_SKIP() << "io_uring is refused here";
        }
        const Pipe pipe;
        Probe armed;
        ASSERT_TRUE(loop->poll_once(armed, pipe.reader.get(), POLLIN));
        run_turns(*loop, 1);
        refuse({.number = SYS_io_uring_enter, .errno_value = EAGAIN, .argument_1_not_zero = true});
        Probe late;
        ASSERT_TRUE(loop->poll_once(late, pipe.reader.get(), POLLIN));
        pipe.put();
        run_until(*loop, [&] { return !armed.pending(); });
        EXPECT_THAT(armed.calls, ElementsAre(POLLIN));
        EXPECT_TRUE(late.pending());
        EXPECT_TRUE(late.calls.empty());
    });
}

TEST(Uring, RunsOnlyOnTheThreadThatMadeIt) {
    const auto made = UringLoop::make({});
    if (!made) {
        GTEST_SKIP() << made.error().message;
    }
    on_own_thread([&] {
        Driver driver;
        driver.on_sleep = [] { return 0; };
        driver.on_turn = [&](Instant) { (*made)->stop(); };
        const Result<> ran = (*made)->run(driver);
        if (ran) {
            GTEST_SKIP() << "a kernel without SINGLE_ISSUER (before 6.0) does not mind";
        }
        EXPECT_EQ(ran.error().errno_value, EEXIST);
        EXPECT_THAT(ran.error().message, HasSubstr("thread"));
    });
}

// The ring's descriptor, which the loop shows nobody.
int descriptor_of_ring() {
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code closed_meanwhile;
        if (std::filesystem::read_symlink(entry, closed_meanwhile) == "anon_inode:[io_uring]") {
            return std::stoi(entry.path().filename());
        }
    }
    return -1;
}

constexpr UringLoop::Options kSmall{.submission_entries = 4, .completion_entries = 8};

// What the kernel says of an operation that somebody puts into the ring of this descriptor.
int answer_to(int descriptor, int operation) {
    // The queues of a ring of the same sizes lie in the same places.
    io_uring_params places{};
    places.flags = IORING_SETUP_CQSIZE;
    places.cq_entries = kSmall.completion_entries;
    io_uring alike{};
    EXPECT_EQ(io_uring_queue_init_params(kSmall.submission_entries, &alike, &places), 0);
    io_uring_queue_exit(&alike);
    io_uring ring{};
    EXPECT_EQ(io_uring_queue_mmap(descriptor, &places, &ring), 0);
    ring.sq.sqe_head = ring.sq.sqe_tail = *ring.sq.ktail; // behind what the loop has submitted
    io_uring_sqe* sqe = io_uring_get_sqe(&ring);
    *sqe = io_uring_sqe{};
    sqe->opcode = static_cast<std::uint8_t>(operation);
    sqe->fd = STDERR_FILENO;
    sqe->user_data = 1;
    io_uring_submit_and_get_events(&ring);
    int answer = 0;
    io_uring_cqe* cqe = nullptr;
    while (io_uring_peek_cqe(&ring, &cqe) == 0) {
        if (cqe->user_data == 1) {
            answer = cqe->res;
        }
        io_uring_cqe_seen(&ring, cqe);
    }
    ::munmap(ring.sq.ring_ptr, ring.sq.ring_sz);
    ::munmap(ring.sq.sqes, kSmall.submission_entries * sizeof(io_uring_sqe));
    return answer;
}

// A restricted ring takes registrations as little as other operations (io_uring/register.c, io_uring.c).
TEST_P(UringTest, WaitsAreAllThatTheRingDoes) {
    const auto loop = make(kSmall);
    if (!loop) {
        GTEST_SKIP() << "io_uring is refused here";
    }
    const int ring = descriptor_of_ring();
    ASSERT_GE(ring, 0);
    const int file = STDERR_FILENO;
    EXPECT_EQ(::syscall(SYS_io_uring_register, ring, IORING_REGISTER_FILES, &file, 1), -1);
    EXPECT_EQ(errno, EACCES);
    for (const int operation : {IORING_OP_NOP, IORING_OP_ASYNC_CANCEL, IORING_OP_OPENAT}) {
        EXPECT_EQ(answer_to(ring, operation), -EACCES) << operation;
    }
    EXPECT_NE(answer_to(ring, IORING_OP_POLL_ADD), -EACCES);
}

TEST(Uring, RefusesQueuesBeyondTheKernelsLimit) {
    const auto made = UringLoop::make({.completion_entries = 1U << 20});
    ASSERT_FALSE(made);
    EXPECT_NE(made.error().errno_value, 0);
    EXPECT_THAT(made.error().message, HasSubstr("io_uring_setup"));
}

} // namespace

} // namespace knell::test

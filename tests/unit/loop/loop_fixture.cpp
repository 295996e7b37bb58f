#include "tests/unit/loop/loop_fixture.hpp"

#include "agent/loop/epoll_loop.hpp"
#include "agent/loop/uring_loop.hpp"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <thread>

namespace knell::test {

std::string variant_name(const testing::TestParamInfo<Variant>& info) {
    switch (info.param) {
    case Variant::uring_deferred:
        return "uring_deferred";
    case Variant::uring_cooperative:
        return "uring_cooperative";
    case Variant::uring_plain:
        return "uring_plain";
    case Variant::epoll:
        break;
    }
    return "epoll";
}

Result<std::unique_ptr<Loop>> make_variant(Variant variant) {
    if (variant == Variant::epoll) {
        return EpollLoop::make();
    }
    using Mode = UringLoop::Mode;
    UringLoop::Options options;
    options.best_mode = variant == Variant::uring_deferred      ? Mode::deferred
                        : variant == Variant::uring_cooperative ? Mode::cooperative
                                                                : Mode::plain;
    return UringLoop::make(options);
}

void run_until(Loop& loop, const std::function<bool()>& done) {
    Driver driver;
    driver.on_sleep = [&]() -> std::optional<Nanoseconds> {
        if (done()) {
            loop.stop();
        }
        return std::nullopt;
    };
    const Result<> ran = loop.run(driver);
    ASSERT_TRUE(ran) << ran.error().message;
}

void run_turns(Loop& loop, int turns) {
    Driver driver;
    driver.on_sleep = [] { return 0; };
    driver.on_turn = [&](Instant) {
        if (--turns == 0) {
            loop.stop();
        }
    };
    const Result<> ran = loop.run(driver);
    ASSERT_TRUE(ran) << ran.error().message;
}

Pipe::Pipe() {
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) {
        ADD_FAILURE() << "pipe2: " << std::strerror(errno);
    }
    reader = Fd(ends[0]);
    writer = Fd(ends[1]);
}

void Pipe::put() const {
    EXPECT_EQ(::write(writer.get(), "x", 1), 1);
}

void LoopTest::SetUp() {
    Result<std::unique_ptr<Loop>> made = make_variant(GetParam());
    if (!made) {
        GTEST_SKIP() << made.error().message;
    }
    loop = std::move(*made);
}

void refuse(const Refusal& refusal) {
    // The second argument's low half is where a number that fits 32 bits is, on little-endian machines in front.
    constexpr std::uint32_t kArgument =
        offsetof(seccomp_data, args[1]) + (std::endian::native == std::endian::big ? sizeof(std::uint32_t) : 0);
    const auto errno_value = static_cast<std::uint32_t>(refusal.errno_value);
    const std::uint8_t skip_test = refusal.argument_1_not_zero ? 0 : 2;
    std::array<sock_filter, 6> program = {{
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(refusal.number), skip_test, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kArgument),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | errno_value),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    }};
    const sock_fprog filter{.len = static_cast<unsigned short>(program.size()), .filter = program.data()};
    ASSERT_EQ(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    ASSERT_EQ(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter), 0) << std::strerror(errno);
}

void on_own_thread(const std::function<void()>& body) {
    std::jthread(body).join();
}

bool room_for_descriptors(unsigned wanted) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur >= wanted;
}

} // namespace knell::test

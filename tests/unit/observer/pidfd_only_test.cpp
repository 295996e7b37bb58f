#include "tests/unit/observer/reporter_fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <optional>
#include <stdexcept>
#include <string>

// Without BPF: the pidfd is the only witness.

namespace knell::test {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

constexpr uid_t kNobody = 65534;

class PidfdOnlyTest : public ZombieTest {
  protected:
    void SetUp() override {
        ZombieTest::SetUp();
        start(kPidfdsOnly, select_comm(own_name()));
    }
};

// A child of this name, which has stopped itself when this returns; leaves with 1 when it is continued.
pid_t fork_stopped(uid_t uid, const std::string& name) {
    const pid_t child = ::fork();
    if (child == 0) {
        ::prctl(PR_SET_NAME, name.c_str());
        if (::setuid(uid) == 0) {
            ::raise(SIGSTOP);
        }
        ::_exit(1);
    }
    int status = 0;
    const bool stopped = ::waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status);
    return stopped ? child : -1;
}

// A child of ours, by the name that scans select. Killed with this object; reaped only by the test.
class StoppedChild {
  public:
    explicit StoppedChild(uid_t uid) : pid_(fork_stopped(uid, own_name())), pidfd_(value_of(Pidfd::open(pid_))) {}
    StoppedChild(const StoppedChild&) = delete;
    StoppedChild& operator=(const StoppedChild&) = delete;
    ~StoppedChild() {
        if (pidfd_.send_signal(SIGKILL)) {
            (void)reap();
        }
    }

    [[nodiscard]] pid_t pid() const { return pid_; }
    [[nodiscard]] const Pidfd& pidfd() const { return pidfd_; }
    // Waits for its end; the wait status.
    [[nodiscard]] Result<int> reap() const { return test::reap(pid_); }

  private:
    pid_t pid_;
    Pidfd pidfd_;
};

// One of another process, as those that an agent watches are: waitid(2) does not tell us its status.
class StoppedStranger {
  public:
    explicit StoppedStranger(uid_t uid) {
        std::array<int, 2> told{};
        std::array<int, 2> order{};
        if (::pipe2(told.data(), O_CLOEXEC) != 0 || ::pipe2(order.data(), O_CLOEXEC) != 0) {
            throw std::runtime_error("pipe2");
        }
        const Fd tell(told[1]);
        const Fd hear(told[0]);
        const Fd ordered(order[0]);
        give_order_ = Fd(order[1]);
        const std::string name = own_name(); // the helper has another
        parent_ = ::fork();
        if (parent_ == 0) {
            be_its_parent(uid, name, tell.get(), ordered.get());
        }
        pid_t pid = -1;
        if (::read(hear.get(), &pid, sizeof pid) != sizeof pid || pid <= 0) {
            throw std::runtime_error("no stopped process");
        }
        pidfd_.emplace(value_of(Pidfd::open(pid)));
    }
    StoppedStranger(const StoppedStranger&) = delete;
    StoppedStranger& operator=(const StoppedStranger&) = delete;
    ~StoppedStranger() {
        if (pidfd_) {
            (void)pidfd_->send_signal(SIGKILL);
        }
        let_reap();
    }

    [[nodiscard]] const Pidfd& pidfd() const { return *pidfd_; }
    // Its parent waits for its end.
    void let_reap() {
        if (give_order_) {
            give_order_ = Fd();
            (void)value_of(test::reap(parent_));
        }
    }

  private:
    [[noreturn]] void be_its_parent(uid_t uid, const std::string& name, int tell, int ordered) {
        give_order_ = Fd(); // the test's alone ends the wait
        const pid_t pid = fork_stopped(uid, name);
        char end = 0;
        if (::write(tell, &pid, sizeof pid) == sizeof pid && ::read(ordered, &end, 1) == 0) {
            (void)::waitpid(pid, nullptr, 0);
        }
        ::_exit(0);
    }

    pid_t parent_ = -1;
    Fd give_order_;
    std::optional<Pidfd> pidfd_;
};

// This thread's, while it lives.
class WithoutPtraceCapability {
  public:
    WithoutPtraceCapability() { set(false); }
    WithoutPtraceCapability(const WithoutPtraceCapability&) = delete;
    WithoutPtraceCapability& operator=(const WithoutPtraceCapability&) = delete;
    ~WithoutPtraceCapability() { set(true); }

  private:
    static void set(bool effective) {
        __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
        std::array<__user_cap_data_struct, 2> data{};
        ASSERT_EQ(::syscall(SYS_capget, &header, data.data()), 0);
        const std::uint32_t bit = 1U << CAP_SYS_PTRACE;
        data[0].effective = effective ? data[0].effective | (data[0].permitted & bit) : data[0].effective & ~bit;
        ASSERT_EQ(::syscall(SYS_capset, &header, data.data()), 0);
    }
};

TEST_F(PidfdOnlyTest, ADeathBySignal) {
    Process child = start_die({"rename", own_name()});
    (void)value_of(child.read_after("ready"));
    ASSERT_TRUE(scan_finds(1));
    const Instant before = monotonic_now();
    ASSERT_TRUE(child.kill(SIGKILL));
    run_until_zombies(1);
    ASSERT_THAT(sink.events, SizeIs(1));
    const Exit exit = sink.of<Exit>().at(0);
    EXPECT_EQ(exit.process.pid, static_cast<std::uint32_t>(child.pid()));
    EXPECT_EQ(exit.process.comm, own_name());
    EXPECT_EQ(exit.process.uid, std::nullopt) << "/proc does not tell who it ran as";
    EXPECT_EQ(exit.reason, Reason::signal);
    EXPECT_EQ(exit.signal, SIGKILL);
    ASSERT_TRUE(exit.killer);
    EXPECT_EQ(exit.killer->kind, KillerClass::unknown);
    EXPECT_GE(exit.time, before);
    EXPECT_EQ(exit.teardown, std::nullopt);
    EXPECT_EQ(exit.reaction, std::nullopt);
    EXPECT_EQ(zombies(), 1U);

    (void)value_of(child.wait());
    run_until_released();
    ASSERT_THAT(sink.events, SizeIs(2));
    const Reap reap = sink.of<Reap>().at(0);
    EXPECT_EQ(reap.reap, std::optional<Nanoseconds>(reap.time - exit.time)) << "counted from our wake-up";
    EXPECT_EQ(zombies(), 0U);
}

// Its death was not seen, whoever the witness is; that it waits to be collected is.
TEST_F(ZombieTest, AZombieFromBeforeUsIsNoDeath) {
    const StoppedChild child(::getuid());
    ASSERT_TRUE(child.pidfd().send_signal(SIGKILL));
    await_zombie(child.pid());
    start(kPidfdsOnly, select_comm(own_name()));
    ASSERT_TRUE(scan_finds(1));
    run_until_zombies(1);
    (void)value_of(child.reap());
    run_until_released();
    EXPECT_THAT(sink.events, IsEmpty());
    EXPECT_EQ(zombies(), 0U);
}

TEST_F(PidfdOnlyTest, ANormalExit) {
    const StoppedChild child(::getuid());
    ASSERT_TRUE(scan_finds(1));
    ASSERT_TRUE(child.pidfd().send_signal(SIGCONT)); // it leaves with 1
    run_until_zombies(1);
    ASSERT_THAT(sink.events, SizeIs(1));
    EXPECT_EQ(sink.of<Exit>().at(0).reason, Reason::error);
    EXPECT_EQ(sink.of<Exit>().at(0).exit_code, std::optional<int>(1));
    (void)value_of(child.reap());
    run_until_released();
    EXPECT_THAT(sink.of<Reap>(), SizeIs(1));
}

// Its parent ignores SIGCHLD: there never is a zombie in /proc to be asked.
TEST_F(PidfdOnlyTest, AnAutoreapedProcessIsAskedThroughItsPidfd) {
    const auto before = std::signal(SIGCHLD, SIG_IGN);
    const StoppedChild child(::getuid());
    const bool found = scan_finds(1);
    EXPECT_TRUE(child.pidfd().send_signal(SIGKILL));
    await_reap(child.pidfd());
    std::signal(SIGCHLD, before);
    ASSERT_TRUE(found);
    run_until_released();
    if (!child.pidfd().exit_status()) {
        GTEST_SKIP() << "this kernel does not tell the status of a reaped process (PIDFD_INFO_EXIT, Linux 6.15)";
    }
    ASSERT_THAT(sink.of<Exit>(), SizeIs(1));
    EXPECT_EQ(sink.of<Exit>().at(0).signal, SIGKILL);
    EXPECT_THAT(sink.of<Reap>(), SizeIs(1));
    EXPECT_EQ(zombies(), 0U);
}

// The kernel shows the status 0 to those who may not trace: a death by SIGKILL must not become a success.
TEST_F(PidfdOnlyTest, AStatusThatMayNotBeReadIsNoSuccess) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "needs root: becomes another user";
    }
    StoppedStranger victim(kNobody);
    const WithoutPtraceCapability unprivileged;
    ASSERT_TRUE(scan_finds(1));
    ASSERT_TRUE(victim.pidfd().send_signal(SIGKILL));
    run_until_zombies(1);
    EXPECT_THAT(sink.events, IsEmpty()) << "its status is not known yet";
    EXPECT_EQ(zombies(), 1U) << "it waits to be collected all the same";
    victim.let_reap();
    run_until_released();
    ASSERT_THAT(sink.of<Exit>(), SizeIs(1));
    EXPECT_EQ(sink.of<Exit>().at(0).reason, victim.pidfd().exit_status() ? Reason::signal : Reason::unknown);
    EXPECT_EQ(zombies(), 0U);
}

// When we leave while it is a zombie, what is known must do.
TEST_F(PidfdOnlyTest, AStatusThatNeverBecameKnownIsUnknown) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "needs root: becomes another user";
    }
    StoppedStranger victim(kNobody);
    const WithoutPtraceCapability unprivileged;
    ASSERT_TRUE(scan_finds(1));
    ASSERT_TRUE(victim.pidfd().send_signal(SIGKILL));
    run_until_zombies(1);
    pool->release_all();
    ASSERT_THAT(sink.events, SizeIs(1));
    EXPECT_EQ(sink.of<Exit>().at(0).reason, Reason::unknown);
    EXPECT_EQ(sink.of<Exit>().at(0).exit_code, std::nullopt);
    victim.let_reap();
}

} // namespace
} // namespace knell::test

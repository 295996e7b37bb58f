#include "agent/pidfd/info.hpp"

#include "agent/pidfd/abi.hpp"
#include "agent/pidfd/pidfd.hpp"
#include "agent/pidfd/problem.hpp"
#include "tests/pidfd/child.hpp"
#include "tests/pidfd/kernel_age.hpp"
#include "tests/support/cgroup.hpp"
#include "tests/support/children.hpp"

#include <gtest/gtest.h>

#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

namespace knell::test {
namespace {

class PidfdInfo : public OnKernelAge {};
INSTANTIATE_TEST_SUITE_P(Kernels, PidfdInfo, testing::Values(kNewest, kBeforeExitInfo, kBeforeInfo, kBeforePidfs),
                         age_name);

std::uint32_t number(pid_t pid) {
    return static_cast<std::uint32_t>(pid);
}

// --- What it says of the living ---

TEST_P(PidfdInfo, OfALivingProcess) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "needs root: changes users";
    }
    const Child child([](const Line& line) {
        // As a program with all its identities apart. The file system's follow the effective ones, and come last.
        if (::setresgid(1004, 1005, 1006) != 0 || ::setresuid(1001, 0, 1003) != 0) {
            return 1;
        }
        ::setfsgid(1008);
        ::setfsuid(1007);
        return sleep_for_ever(line);
    });
    (void)child.line().hear();
    const ProcessInfo info = value_of(child.open().info());
    EXPECT_EQ(info.pid, number(child.pid()));
    EXPECT_EQ(info.tgid, number(child.pid()));
    EXPECT_EQ(info.ppid, number(::getpid()));
    ASSERT_TRUE(info.credentials);
    EXPECT_EQ(info.credentials->ruid, 1001U);
    EXPECT_EQ(info.credentials->euid, 0U);
    EXPECT_EQ(info.credentials->suid, 1003U);
    EXPECT_EQ(info.credentials->fsuid, 1007U);
    EXPECT_EQ(info.credentials->rgid, 1004U);
    EXPECT_EQ(info.credentials->egid, 1005U);
    EXPECT_EQ(info.credentials->sgid, 1006U);
    EXPECT_EQ(info.credentials->fsgid, 1008U);
    EXPECT_FALSE(info.zombie);
    EXPECT_FALSE(info.reaped);
    EXPECT_EQ(info.exit_status, std::nullopt);
    EXPECT_EQ(info.core_dump, std::nullopt);
    EXPECT_EQ(info.core_dump_signal, std::nullopt);
}

TEST_P(PidfdInfo, CgroupIdIsTheDirectorysInode) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "needs root: makes a cgroup";
    }
    const TestCgroup cgroup = value_of(TestCgroup::unified());
    const Child child(sleep_for_ever);
    ASSERT_TRUE(cgroup.add(child.pid()));
    struct stat directory{};
    ASSERT_EQ(::stat(cgroup.path().c_str(), &directory), 0);
    const auto known = available(PidfdFeature::info) ? std::optional<std::uint64_t>(directory.st_ino) : std::nullopt;
    EXPECT_EQ(value_of(child.open().info()).cgroup_id, known);
}

TEST_P(PidfdInfo, EverybodyMayAsk) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "needs root: asks as another user";
    }
    const Pidfd self = value_of(Pidfd::self());
    const int answer = ask_as_nobody([&self] {
        const auto info = self.info();
        return info && info->credentials && info->credentials->ruid == 0 ? 0 : 1;
    });
    EXPECT_EQ(answer, 0);
}

// A process above our own pid namespace has no number that we could be told.
TEST_P(PidfdInfo, OfAForeignNamespace) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "needs root: makes a pid namespace";
    }
    const Child child(sleep_for_ever);
    const Pidfd outside = child.open();
    const auto ask = [&outside] {
        const auto info = outside.info();
        return info ? (info->reaped ? 254 : 253) : info.error().errno_value;
    };
    EXPECT_EQ(ask_in_new_pid_namespace(ask), EREMOTE);
    child.kill(SIGKILL);
    child.await_death();
    EXPECT_EQ(ask_in_new_pid_namespace(ask), EREMOTE);
    (void)child.reap();
    EXPECT_EQ(ask_in_new_pid_namespace(ask), 254) << "the dead are of no namespace";
}

// --- pidfd_info_test: exit information ---

struct Death {
    int signal; // or
    int code;
    [[nodiscard]] int status() const { return signal != 0 ? signal : code << 8; }
};
constexpr Death kKilled{SIGKILL, 0};
constexpr Death kSuccess{0, 0};
constexpr Death kFailure{0, 3};

int die_of(const Death& death) {
    if (death.signal != 0) {
        ::raise(death.signal);
    }
    return death.code;
}

// sigkill_exit, success_exit: a zombie's status is its parent's to learn.
TEST_P(PidfdInfo, Exit) {
    for (const Death& death : {kKilled, kSuccess, kFailure}) {
        const Child child([death](const Line&) { return die_of(death); });
        const Pidfd pidfd = child.open();
        child.await_death();
        const ProcessInfo info = value_of(pidfd.info());
        EXPECT_EQ(info.pid, number(child.pid()));
        EXPECT_EQ(info.ppid, number(::getpid()));
        EXPECT_TRUE(info.credentials);
        EXPECT_TRUE(info.zombie);
        EXPECT_FALSE(info.reaped);
        EXPECT_EQ(info.exit_status, std::nullopt);
        EXPECT_EQ(pidfd.exit_status(), death.status());
        EXPECT_EQ(child.reap(), death.status()) << "who only looked has not reaped";
    }
}

// sigkill_reaped, success_reaped.
TEST_P(PidfdInfo, Reaped) {
    for (const Death& death : {kKilled, kSuccess, kFailure}) {
        const Child child([death](const Line&) { return die_of(death); });
        const Pidfd pidfd = child.open();
        (void)child.reap();
        const ProcessInfo info = value_of(pidfd.info());
        EXPECT_TRUE(info.reaped);
        EXPECT_FALSE(info.zombie);
        EXPECT_EQ(info.pid, std::nullopt);
        EXPECT_EQ(info.tgid, std::nullopt);
        EXPECT_EQ(info.ppid, std::nullopt);
        EXPECT_FALSE(info.credentials);
        const auto known = available(PidfdFeature::exit_info) ? std::optional(death.status()) : std::nullopt;
        EXPECT_EQ(info.exit_status, known);
        EXPECT_EQ(pidfd.exit_status(), known);
    }
}

// reaped_poll: what poll() calls reaped has its exit information.
TEST_P(PidfdInfo, ReapedPoll) {
    const Child parent([](const Line& line) {
        const Child child([](const Line& own_line) { return static_cast<int>(own_line.hear()); });
        line.tell(child.pid());
        (void)line.hear();
        child.line().tell(3);
        (void)child.reap();
        return sleep_for_ever(line);
    });
    const Pidfd stranger = value_of(Pidfd::open(static_cast<pid_t>(parent.line().hear())));
    parent.line().tell();
    EXPECT_EQ(value_of(stranger.poll(ProcessState::reaped, kPatienceNs)), ProcessState::reaped);
    const ProcessInfo info = value_of(stranger.info());
    EXPECT_TRUE(info.reaped);
    EXPECT_EQ(info.exit_status, available(PidfdFeature::exit_info) ? std::optional(3 << 8) : std::nullopt);
}

TEST_P(PidfdInfo, ExitStatusOfAStrangersZombie) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "needs root: asks as another user";
    }
    const Child parent([](const Line& line) {
        const Child child([](const Line&) { return 3; });
        child.await_death();
        line.tell(child.pid());
        return static_cast<int>(line.hear());
    });
    const Pidfd stranger = value_of(Pidfd::open(static_cast<pid_t>(parent.line().hear())));
    EXPECT_EQ(stranger.exit_status(), 3 << 8);
    // 0, which the kernel shows to those who may not trace it, would pass for success.
    EXPECT_EQ(ask_as_nobody([&stranger] { return stranger.exit_status() ? 1 : 0; }), 0);
    parent.line().tell(); // it reaps its own
    EXPECT_EQ(parent.reap(), 0);
}

TEST_P(PidfdInfo, TheLivingHaveNoExitStatus) {
    EXPECT_EQ(value_of(Pidfd::self()).exit_status(), std::nullopt);
    const Child child(leave_leader_first(5));
    const Pidfd pidfd = child.open();
    (void)child.line().hear();
    await_thread_state(child.pid(), child.pid(), 'Z');
    EXPECT_EQ(pidfd.exit_status(), std::nullopt) << "its first thread is dead, it is not";
    EXPECT_FALSE(value_of(pidfd.info()).zombie);
    child.line().tell();
    child.await_death();
    EXPECT_EQ(pidfd.exit_status(), 5 << 8);
}

// --- pidfd_info_test: threads (6.9), on kernels with exit information (6.15) ---

class PidfdInfoOfThreads : public testing::Test {
  protected:
    void SetUp() override {
        if (!available(PidfdFeature::exit_info)) {
            GTEST_SKIP() << "exit information needs Linux 6.15";
        }
    }
};

// thread_group: a thread that ends is reaped at once, the first one with its process.
TEST_F(PidfdInfoOfThreads, ThreadGroup) {
    const Child child(leave_leader_first(5));
    const auto tid = static_cast<pid_t>(child.line().hear());
    const Pidfd process = child.open();
    const Pidfd first = value_of(Pidfd::open_thread(child.pid()));
    const Pidfd second = value_of(Pidfd::open_thread(tid));
    await_thread_state(child.pid(), child.pid(), 'Z');
    for (const Pidfd* pidfd : {&process, &first, &second}) {
        const ProcessInfo info = value_of(pidfd->info());
        EXPECT_FALSE(info.reaped);
        EXPECT_EQ(info.tgid, number(child.pid()));
    }
    child.line().tell();
    EXPECT_EQ(value_of(second.poll(ProcessState::reaped, kPatienceNs)), ProcessState::reaped);
    EXPECT_EQ(value_of(second.info()).exit_status, 5 << 8);
    EXPECT_EQ(value_of(process.poll(ProcessState::zombie, kPatienceNs)), ProcessState::zombie);
    EXPECT_EQ(value_of(process.info()).exit_status, std::nullopt);
    EXPECT_EQ(child.reap(), 5 << 8);
    for (const Pidfd* pidfd : {&process, &first}) {
        EXPECT_EQ(value_of(pidfd->info()).exit_status, 5 << 8);
    }
}

// thread_group_exec, thread_group_exec_thread: the executing thread takes the number and the pidfds of the first one;
// its own end. Once with the first thread dead before, once killed by the exec.
TEST_F(PidfdInfoOfThreads, ThreadGroupExec) {
    for (const bool leader_leaves : {true, false}) {
        const Child child(execute_in_thread(leader_leaves));
        const auto tid = static_cast<pid_t>(child.line().hear());
        const Pidfd process = child.open();
        const Pidfd first = value_of(Pidfd::open_thread(child.pid()));
        const Pidfd second = value_of(Pidfd::open_thread(tid));
        if (leader_leaves) {
            await_thread_state(child.pid(), child.pid(), 'Z');
        }
        child.line().tell();
        child.line().await_end();
        EXPECT_EQ(value_of(second.poll(ProcessState::reaped, kPatienceNs)), ProcessState::reaped);
        EXPECT_TRUE(value_of(second.info()).reaped);
        for (const Pidfd* pidfd : {&process, &first}) {
            const ProcessInfo info = value_of(pidfd->info());
            EXPECT_FALSE(info.reaped);
            EXPECT_EQ(info.pid, number(child.pid()));
            EXPECT_EQ(value_of(pidfd->poll(ProcessState::zombie, 0)), ProcessState::running);
        }
        child.kill(SIGKILL);
        EXPECT_EQ(child.reap(), SIGKILL);
        EXPECT_EQ(value_of(process.info()).exit_status, SIGKILL);
    }
}

// --- The kernel's side ---

// The library asks with the newest structure: that older kernels take a larger one, and newer ones a smaller, is a
// promise of theirs that it rests on. supported_mask among others.
TEST_F(PidfdInfoOfThreads, EverySizeIsAnswered) {
    const Pidfd self = value_of(Pidfd::self());
    for (const std::size_t size : {abi::kPidfdInfoSizes[0], abi::kPidfdInfoSizes[1], abi::kPidfdInfoSizes[2],
                                   abi::kPidfdInfoSizes[3], std::size_t{128}}) {
        alignas(abi::PidfdInfo) unsigned char answer[128] = {};
        auto& info = reinterpret_cast<abi::PidfdInfo&>(answer);
        info.mask = abi::kPidfdInfoPid | abi::kPidfdInfoSupported;
        ASSERT_EQ(::ioctl(self.fd(), _IOC(_IOC_READ | _IOC_WRITE, 0xFF, 11, size), &answer), 0) << size;
        EXPECT_EQ(info.pid, number(::getpid())) << size;
        constexpr std::uint64_t kSince615 =
            abi::kPidfdInfoPid | abi::kPidfdInfoCreds | abi::kPidfdInfoCgroupId | abi::kPidfdInfoExit;
        const bool told = (info.mask & abi::kPidfdInfoSupported) != 0; // 6.19
        EXPECT_EQ(info.supported_mask & kSince615, told ? kSince615 : 0) << size;
    }
}

} // namespace
} // namespace knell::test

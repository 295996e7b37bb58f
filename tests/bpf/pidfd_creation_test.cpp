#include "tests/bpf/bpf_test.hpp"
#include "tests/bpf/pidfd_calls.hpp"
#include "tests/bpf/probe_under_test.hpp"
#include "tests/bpf/scene.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

// Who makes a pidfd of whom, by the hook that the agent takes here.

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif

namespace knell::test {
namespace {

constexpr int kDone = 0;
constexpr int kCannot = 77; // this kernel does not know it
constexpr int kWrong = 99;

class PidfdCreation : public BpfTest {
  protected:
    void start(ProbeOptions options = {.record_pidfds = true}) { probe_.emplace(options); }

    std::uint64_t counted(knell_pidfd_via via) { return probe_->probe().counts().pidfds[via]; }

    // What is recorded when a child does this.
    std::vector<knell_pidfd> recorded(const std::function<int()>& deed) {
        ForkedChild child(deed);
        opener_ = child.pid();
        answer_ = WEXITSTATUS(child.wait().status);
        EXPECT_NE(answer_, kWrong);
        return probe_->pidfds_made_by(opener_);
    }

    // Some hooks see pidfd_open and clone alone.
    bool sees_every_way() { return probe_->feature("pidfd_creation").hook.starts_with("fexit/"); }

    std::optional<ProbeUnderTest> probe_;
    pid_t opener_ = 0;
    int answer_ = 0;
};

TEST_F(PidfdCreation, PidfdOpen) {
    start();
    Scene scene;
    Process& target = scene.start_ready({"sleep"});
    const std::uint64_t inode = inode_of(open_pidfd(target.pid()).get());
    const std::uint64_t before = counted(KNELL_PIDFD_OPEN);
    const auto records = recorded([&] { return make_pidfd(target.pid()) >= 0 ? kDone : kWrong; });
    EXPECT_GE(counted(KNELL_PIDFD_OPEN), before + 1) << "others of the machine count too";
    ASSERT_EQ(records.size(), 1U);
    const knell_pidfd& record = records.front();
    EXPECT_EQ(record.via, static_cast<std::uint32_t>(KNELL_PIDFD_OPEN));
    EXPECT_EQ(record.target_pid, static_cast<std::uint32_t>(target.pid()));
    EXPECT_EQ(record.target_inode, inode);
    EXPECT_EQ(std::string(record.target_comm), "die");
    EXPECT_EQ(record.opener.ppid, static_cast<std::uint32_t>(::getpid()));
    EXPECT_NE(record.opener.cgroup_id, 0U);
}

TEST_F(PidfdCreation, WhatFailsMakesNone) {
    start();
    EXPECT_THAT(recorded([] {
                    constexpr pid_t kNobody = 1 << 30;
                    return make_pidfd(kNobody) < 0 && make_pidfd(::getpid(), ~0U) < 0 ? kDone : kWrong;
                }),
                testing::IsEmpty());
    EXPECT_THAT(recorded([] {
                    return make_pidfd_by_clone(::getpid()) < 0 ? kDone : kWrong; // the number is taken
                }),
                testing::IsEmpty());
}

TEST_F(PidfdCreation, CloneCountsOnce) {
    start();
    const std::uint64_t before = counted(KNELL_PIDFD_CLONE);
    const auto records = recorded([] {
        const int pidfd = make_pidfd_by_clone();
        return pidfd >= 0 && ::waitpid(-1, nullptr, 0) > 0 ? kDone : kWrong;
    });
    EXPECT_GE(counted(KNELL_PIDFD_CLONE), before + 1);
    ASSERT_EQ(records.size(), 1U);
    EXPECT_EQ(records.front().via, static_cast<std::uint32_t>(KNELL_PIDFD_CLONE));
    const knell_exit child = probe_->exit_of(static_cast<pid_t>(records.front().target_pid));
    EXPECT_EQ(child.process.ppid, static_cast<std::uint32_t>(opener_));
    EXPECT_EQ(records.front().target_inode, child.process.pid_inode);
}

TEST_F(PidfdCreation, CloneWithoutPidfdMakesNone) {
    start();
    EXPECT_THAT(recorded([] {
                    const pid_t child = ::fork();
                    if (child == 0) {
                        ::_exit(0);
                    }
                    return ::waitpid(child, nullptr, 0) == child ? kDone : kWrong;
                }),
                testing::IsEmpty());
}

void* wait_forever(void* number) {
    __atomic_store_n(static_cast<int*>(number), static_cast<int>(::syscall(SYS_gettid)), __ATOMIC_RELEASE);
    for (;;) {
        ::pause();
    }
}

TEST_F(PidfdCreation, OfAThread) {
    start();
    const auto records = recorded([] {
        static int number = 0;
        pthread_t thread{};
        if (::pthread_create(&thread, nullptr, wait_forever, &number) != 0) {
            return kWrong;
        }
        while (__atomic_load_n(&number, __ATOMIC_ACQUIRE) == 0) {
        }
        return make_pidfd(number, PIDFD_THREAD) >= 0 ? kDone : kCannot;
    });
    if (answer_ == kCannot) {
        GTEST_SKIP() << "this kernel has no pidfds of threads (6.9)";
    }
    ASSERT_EQ(records.size(), 1U);
    EXPECT_GT(records.front().target_pid, static_cast<std::uint32_t>(opener_));
}

TEST_F(PidfdCreation, OfASocketsPeer) {
    start();
    const auto records = recorded([] { return make_pidfd_by_socket() >= 0 ? kDone : kCannot; });
    if (answer_ == kCannot) {
        GTEST_SKIP() << "this kernel has no SO_PEERPIDFD (6.5)";
    }
    if (!sees_every_way()) {
        EXPECT_THAT(records, testing::IsEmpty());
        return;
    }
    ASSERT_EQ(records.size(), 1U);
    EXPECT_EQ(records.front().via, static_cast<std::uint32_t>(KNELL_PIDFD_SOCKET));
    EXPECT_EQ(records.front().target_pid, static_cast<std::uint32_t>(opener_));
}

TEST_F(PidfdCreation, HandedOnIsNotMade) {
    start();
    const auto records = recorded([] {
        const int pidfd = make_pidfd(::getpid());
        const pid_t child = ::fork(); // inherits it
        if (child == 0) {
            ::_exit(0);
        }
        return ::dup(pidfd) >= 0 && ::waitpid(child, nullptr, 0) == child ? kDone : kWrong;
    });
    EXPECT_EQ(records.size(), 1U);
}

TEST_F(PidfdCreation, OurOwnDoNotCount) {
    start();
    for (int i = 0; i < 10; ++i) {
        (void)open_pidfd(::getpid());
    }
    EXPECT_THAT(probe_->pidfds_made_by(::getpid()), testing::IsEmpty());
}

TEST_F(PidfdCreation, CountedWithoutRecords) {
    start({});
    const std::uint64_t opened = counted(KNELL_PIDFD_OPEN);
    const std::uint64_t cloned = counted(KNELL_PIDFD_CLONE);
    const auto records =
        recorded([] { return make_pidfd(::getpid()) >= 0 && make_pidfd_by_clone() >= 0 ? kDone : kWrong; });
    EXPECT_THAT(records, testing::IsEmpty());
    EXPECT_GE(counted(KNELL_PIDFD_OPEN), opened + 1);
    EXPECT_GE(counted(KNELL_PIDFD_CLONE), cloned + 1);
}

TEST_F(PidfdCreation, OffCountsNothing) {
    start({.pidfd_creation = false, .record_pidfds = true});
    EXPECT_FALSE(probe_->probe().observes_pidfds());
    EXPECT_FALSE(probe_->feature("pidfd_creation").on());
    EXPECT_NE(probe_->feature("pidfd_creation").why_not, "");
    const auto records =
        recorded([] { return make_pidfd(::getpid()) >= 0 && make_pidfd_by_clone() >= 0 ? kDone : kWrong; });
    EXPECT_THAT(records, testing::IsEmpty());
    EXPECT_THAT(probe_->probe().counts().pidfds, testing::Each(0U));
}

} // namespace
} // namespace knell::test

#include "agent/pidfd/process_ref.hpp"

#include "agent/base/file.hpp"
#include "agent/pidfd/problem.hpp"
#include "tests/pidfd/apart.hpp"
#include "tests/pidfd/child.hpp"
#include "tests/pidfd/kernel_age.hpp"
#include "tests/support/children.hpp"
#include "tests/support/clone.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <limits>

// Processes written down.
namespace knell::test {
namespace {

using Kind = ProcessRef::Kind;

constexpr const char* kOtherBoot = "6ba7b810-9dad-41d1-80b4-00c04fd430c8";

class ProcessReference : public OnKernelAge {};

INSTANTIATE_TEST_SUITE_P(Kernels, ProcessReference, kEveryAge, age_name);

Problem refusal(const Result<Pidfd>& result) {
    return result ? Problem::other : problem_of(result.error());
}

std::string this_boot() {
    const std::string text = value_of(read_small_file(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64));
    return text.substr(0, text.find('\n'));
}

TEST_P(ProcessReference, SaysWhatTellsTheProcess) {
    const Process child = start_sleeper();
    const Pidfd pidfd = value_of(Pidfd::open(child.pid()));
    const ProcessRef reference = value_of(ProcessRef::of(pidfd));
    EXPECT_EQ(reference.pid(), child.pid());
    EXPECT_EQ(reference.boot_id(), this_boot());
    EXPECT_EQ(reference.kind(), available(PidfdFeature::pidfs) ? Kind::inode : Kind::start_time);
    struct stat info{};
    ASSERT_EQ(::fstat(pidfd.fd(), &info), 0);
    EXPECT_EQ(reference.kind() == Kind::inode, reference.value() == info.st_ino);
    EXPECT_NE(reference.value(), 0U);

    const std::string mark = reference.kind() == Kind::inode ? ":" : ":t";
    EXPECT_EQ(reference.text(), std::to_string(child.pid()) + mark + std::to_string(reference.value()));
    EXPECT_EQ(reference.stored_text(), reference.text() + ":" + this_boot());
    EXPECT_EQ(value_of(ProcessRef::parse(reference.text())), reference);
    EXPECT_EQ(value_of(ProcessRef::parse(reference.stored_text())), reference);
}

TEST_P(ProcessReference, FindsItsProcess) {
    Process child = start_sleeper();
    const Pidfd pidfd = value_of(Pidfd::open(child.pid()));
    const ProcessRef reference = value_of(ProcessRef::of(pidfd));
    const auto found = reference.open();
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_TRUE(*found == pidfd);

    ASSERT_TRUE(pidfd.send_signal(SIGKILL));
    await_zombie(child.pid());
    EXPECT_TRUE(reference.open()) << "a zombie is still the process";
    EXPECT_EQ(value_of(ProcessRef::of(pidfd)), reference);
    (void)value_of(child.wait());
    EXPECT_EQ(refusal(reference.open()), Problem::gone);
    const auto late = ProcessRef::of(pidfd);
    ASSERT_FALSE(late);
    EXPECT_EQ(problem_of(late.error()), Problem::gone) << late.error().message;
}

// A process, or a thread of one, with the number of a dead process.
TEST_P(ProcessReference, RefusesTheNextProcessWithItsNumber) {
    const bool by_ticks = !available(PidfdFeature::pidfs);
    check_in_new_pid_namespace([by_ticks] {
        const Child child(sleep_for_ever);
        ProcessRef reference = value_of(ProcessRef::of(child.open()));
        if (by_ticks) {
            // The next one may start within the same clock tick, which is the limit of this kind.
            reference =
                value_of(ProcessRef::parse(std::to_string(child.pid()) + ":t" + std::to_string(reference.value() - 1)));
        }
        child.kill(SIGKILL);
        (void)child.reap();
        EXPECT_EQ(refusal(reference.open()), Problem::gone);

        const pid_t stranger = value_of(clone_process({.pid = child.pid()}));
        while (stranger == 0) {
            ::pause();
        }
        ASSERT_EQ(stranger, child.pid());
        EXPECT_TRUE(Pidfd::open(stranger));
        const auto found = reference.open();
        EXPECT_EQ(refusal(found), Problem::recycled) << (found ? "it was opened" : found.error().message);
    });
}

TEST_P(ProcessReference, RefusesAThreadWithItsNumber) {
    const std::string text = value_of(ProcessRef::of(value_of(Pidfd::self()))).text();
    const OtherThread thread;
    // As if the number had been a process's before it became this thread's.
    const auto found = value_of(ProcessRef::parse(std::to_string(thread.tid()) + text.substr(text.find(':')))).open();
    EXPECT_EQ(refusal(found), Problem::recycled) << (found ? "it was opened" : found.error().message);
}

TEST_P(ProcessReference, IsNotMadeOfAThread) {
    if (!available(PidfdFeature::thread_pidfds)) {
        EXPECT_FALSE(Pidfd::open_thread(own_tid()));
        return;
    }
    const auto reference = ProcessRef::of(value_of(Pidfd::open_thread(own_tid())));
    ASSERT_FALSE(reference);
    EXPECT_EQ(reference.error().errno_value, EINVAL) << reference.error().message;
}

TEST_P(ProcessReference, RefusesAnotherBoot) {
    const std::string text = value_of(ProcessRef::of(value_of(Pidfd::self()))).text();
    EXPECT_TRUE(value_of(ProcessRef::parse(text + ":" + this_boot())).open());
    const auto found = value_of(ProcessRef::parse(text + ":" + kOtherBoot)).open();
    EXPECT_EQ(refusal(found), Problem::recycled);
    EXPECT_NE(found.error().message.find("boot"), std::string::npos) << found.error().message;
}

TEST_P(ProcessReference, OfWhatHasNoNumberHere) {
    const Pidfd above = value_of(Pidfd::self());
    check_in_new_pid_namespace([&above] {
        const auto reference = ProcessRef::of(above);
        ASSERT_FALSE(reference);
        EXPECT_EQ(problem_of(reference.error()), Problem::foreign_namespace) << reference.error().message;
    });
}

TEST_P(ProcessReference, AnInodeNeedsAKernelWithInodes) {
    const ProcessRef reference = value_of(ProcessRef::parse(std::to_string(::getpid()) + ":4711"));
    EXPECT_EQ(refusal(reference.open()), available(PidfdFeature::pidfs) ? Problem::recycled : Problem::kernel_too_old);
}

// On a kernel with inodes, start times that an older one wrote down (before an update without a boot) are read too.
TEST_P(ProcessReference, AStartTimeIsReadByEveryKernel) {
    forgo(PidfdFeatures().set(static_cast<std::size_t>(PidfdFeature::pidfs)));
    const ProcessRef reference = value_of(ProcessRef::of(value_of(Pidfd::self())));
    EXPECT_EQ(reference.kind(), Kind::start_time);
    SetUp();
    EXPECT_TRUE(value_of(reference.open()) == value_of(Pidfd::self()));
    const std::string earlier = std::to_string(::getpid()) + ":t" + std::to_string(reference.value() - 1);
    EXPECT_EQ(refusal(value_of(ProcessRef::parse(earlier)).open()), Problem::recycled);
}

TEST(ParseProcessRef, Forms) {
    struct Row {
        std::string text;
        pid_t pid;
        Kind kind;
        std::uint64_t value;
        std::string boot_id;
    };
    const std::string boot = kOtherBoot;
    for (const Row& row :
         {Row{"1:1", 1, Kind::inode, 1, this_boot()}, Row{"4711:5240:" + boot, 4711, Kind::inode, 5240, boot},
          Row{"4711:t5240", 4711, Kind::start_time, 5240, this_boot()},
          Row{"1:t0:" + boot, 1, Kind::start_time, 0, boot},
          Row{"2147483647:18446744073709551615", std::numeric_limits<pid_t>::max(), Kind::inode,
              std::numeric_limits<std::uint64_t>::max(), this_boot()}}) {
        const auto reference = ProcessRef::parse(row.text);
        ASSERT_TRUE(reference) << row.text << ": " << reference.error().message;
        EXPECT_EQ(reference->pid(), row.pid) << row.text;
        EXPECT_EQ(reference->kind(), row.kind) << row.text;
        EXPECT_EQ(reference->value(), row.value) << row.text;
        EXPECT_EQ(reference->boot_id(), row.boot_id) << row.text;
        EXPECT_EQ(reference->stored_text(), row.text.ends_with(boot) ? row.text : row.text + ":" + this_boot());
    }
}

TEST(ParseProcessRef, Garbage) {
    using namespace std::string_literals;
    const std::string boot = kOtherBoot;
    const std::string rows[] = {"",
                                ":",
                                "::",
                                "1",
                                "1:",
                                ":1",
                                "0:1",
                                "-1:1",
                                "+1:1",
                                " 1:1",
                                "1 :1",
                                "1: 1",
                                "1:1 ",
                                "1:1\n",
                                "1:1\0"s,
                                "01:1",
                                "1:01",
                                "1:0",
                                "1:-1",
                                "1:+1",
                                "1:0x10",
                                "0x1:1",
                                "1.0:1",
                                "one:1",
                                "1:one",
                                "1:t",
                                "1:t-1",
                                "1:tt1",
                                "1:T1",
                                "1:t01",
                                "1:1t",
                                "2147483648:1",
                                "4294967297:1",
                                "1:18446744073709551616",
                                "99999999999999999999999999:1",
                                "1:99999999999999999999999999",
                                "1:1:",
                                "1:1::",
                                "1:1:x",
                                "1:1:" + boot + ":",
                                "1:1:" + boot + "0",
                                "1:1:" + boot.substr(1),
                                "1:1::" + boot,
                                "1:1: " + boot,
                                "1:1:" + boot + "\n",
                                "1:1:6BA7B810-9DAD-41D1-80B4-00C04FD430C8",
                                "1:1:6ba7b8109dad41d180b400c04fd430c8",
                                "1:1:6ba7b810-9dad-41d1-80b4-00c04fd430cg",
                                "1:1:6ba7b810_9dad_41d1_80b4_00c04fd430c8",
                                "1:1:------------------------------------",
                                std::string(1 << 16, '1'),
                                "1:" + std::string(1 << 16, ':'),
                                "1:1:" + std::string(1 << 16, 'a')};
    for (const std::string& text : rows) {
        const auto reference = ProcessRef::parse(text);
        ASSERT_FALSE(reference) << text;
        EXPECT_EQ(reference.error().errno_value, EINVAL) << text;
        EXPECT_LT(reference.error().message.size(), 256U) << "what a stranger wrote is not repeated";
    }
}

TEST(ParseProcessRef, WithoutProcOnlyTheWholeForm) {
    check_with_proc({.options = nullptr}, [] {
        EXPECT_TRUE(ProcessRef::parse("1:1:" + std::string(kOtherBoot)));
        EXPECT_FALSE(ProcessRef::parse("1:1"));
    });
}

} // namespace
} // namespace knell::test

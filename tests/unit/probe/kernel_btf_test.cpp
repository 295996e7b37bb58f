#include "agent/probe/kernel_btf.hpp"

#include <gtest/gtest.h>

#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <optional>

namespace knell {
namespace {

class KernelBtfTest : public testing::Test {
  protected:
    void SetUp() override {
        if (::access("/sys/kernel/btf/vmlinux", R_OK) != 0) {
            GTEST_SKIP() << "this kernel does not offer its type information (CONFIG_DEBUG_INFO_BTF)";
        }
        auto types = KernelBtf::load();
        ASSERT_TRUE(types) << types.error().message;
        types_.emplace(std::move(*types));
    }

    std::optional<KernelBtf> types_;
};

TEST_F(KernelBtfTest, CountsTheArgumentsOfATracepoint) {
    EXPECT_EQ(types_->tracepoint_arguments("signal_generate"), 5);
    EXPECT_EQ(types_->tracepoint_arguments("task_newtask"), 2);
    EXPECT_EQ(types_->tracepoint_arguments("sched_process_exec"), 3);
    const auto exit = types_->tracepoint_arguments("sched_process_exit");
    EXPECT_TRUE(exit == 1 || exit == 2) << "group_dead is the second where the kernel has it";
}

TEST_F(KernelBtfTest, AbsentTracepoints) {
    for (const char* name : {"", "sched_process_exi", "no_such_tracepoint", "sched_process_exit "}) {
        EXPECT_EQ(types_->tracepoint_arguments(name), std::nullopt) << name;
    }
}

TEST_F(KernelBtfTest, FindsFunctions) {
    EXPECT_TRUE(types_->function_id("do_exit")); // of every kernel
    for (const char* name : {"", "do_exi", "no_such_function_in_any_kernel", "task_struct"}) {
        EXPECT_EQ(types_->function_id(name), std::nullopt) << name;
    }
}

TEST_F(KernelBtfTest, TellsWhetherPidfdsHaveAFileSystem) {
    const auto pidfd = static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0));
    if (pidfd < 0) {
        GTEST_SKIP() << "this kernel has no pidfds";
    }
    struct statfs filesystem{};
    ASSERT_EQ(::fstatfs(pidfd, &filesystem), 0);
    ::close(pidfd);
    constexpr auto kPidfs = 0x50494446;
    EXPECT_EQ(types_->has_pidfs(), filesystem.f_type == kPidfs);
}

} // namespace
} // namespace knell

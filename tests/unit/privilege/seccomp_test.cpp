#include "agent/privilege/seccomp.hpp"

#include "agent/privilege/capabilities.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <latch>
#include <thread>

namespace knell {
namespace {

// A filter binds a process for good: each of these runs in one of its own, which exits with the line that failed.
#define CHECK_OR_EXIT(condition)                                                                                       \
    if (!(condition)) {                                                                                                \
        ::_exit(__LINE__ & 0x7f);                                                                                      \
    }

class SeccompTest : public testing::Test {
  protected:
    void SetUp() override {
        GTEST_FLAG_SET(death_test_style, "fast"); // a fork: nothing has to be executed
    }
};

bool refused(long answer) {
    return answer == -1 && errno == EPERM;
}

void check_what_is_refused() {
    CHECK_OR_EXIT(refused(::socket(AF_INET, SOCK_STREAM, 0)));
    CHECK_OR_EXIT(refused(::syscall(SYS_execve, "/bin/true", nullptr, nullptr)));
    CHECK_OR_EXIT(refused(::syscall(SYS_clone3, nullptr, 0)));
    CHECK_OR_EXIT(refused(::fork()));
    CHECK_OR_EXIT(refused(::kill(::getpid(), 0)));
    CHECK_OR_EXIT(refused(::chdir("/")));
    CHECK_OR_EXIT(refused(::syscall(SYS_io_uring_setup, 1, nullptr)));
    CHECK_OR_EXIT(refused(::syscall(SYS_bpf, BPF_PROG_LOAD, nullptr, 0)));
    CHECK_OR_EXIT(::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
    CHECK_OR_EXIT(errno == EPERM);
    rlimit limit{};
    CHECK_OR_EXIT(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
    CHECK_OR_EXIT(refused(::setrlimit(RLIMIT_NOFILE, &limit)));
}

void check_what_works() {
    CHECK_OR_EXIT(::open("/proc/self/stat", O_RDONLY) >= 0);
    CHECK_OR_EXIT(::syscall(SYS_pidfd_open, ::getpid(), 0) >= 0);
    CHECK_OR_EXIT(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
    bpf_attr no_map{};
    no_map.map_fd = static_cast<std::uint32_t>(-1);
    // Whether the kernel then wants a capability is another matter: it was asked, and says EBADF to root.
    CHECK_OR_EXIT(::geteuid() != 0 || ::syscall(SYS_bpf, BPF_MAP_LOOKUP_ELEM, &no_map, sizeof no_map) == -1);
    CHECK_OR_EXIT(::geteuid() != 0 || errno == EBADF);
}

TEST_F(SeccompTest, RefusesWhatAnAgentDoesNotDo) {
    const auto body = [] {
        CHECK_OR_EXIT(forbid_new_privileges() && restrict_system_calls());
        check_what_is_refused();
        check_what_works();
        ::_exit(0);
    };
    EXPECT_EXIT(body(), testing::ExitedWithCode(0), "");
}

TEST_F(SeccompTest, HoldsForThreadsThatRunAlready) {
    const auto body = [] {
        std::latch filtered(1);
        bool held = false;
        CHECK_OR_EXIT(forbid_new_privileges());
        std::jthread thread([&] {
            filtered.wait();
            held = refused(::chdir("/"));
        });
        CHECK_OR_EXIT(restrict_system_calls());
        filtered.count_down();
        thread.join();
        ::_exit(held ? 0 : 1);
    };
    EXPECT_EXIT(body(), testing::ExitedWithCode(0), "");
}

} // namespace
} // namespace knell

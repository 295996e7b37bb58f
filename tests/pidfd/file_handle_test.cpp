#include "agent/pidfd/pidfd.hpp"

#include "tests/pidfd/apart.hpp"
#include "tests/support/children.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>

#include <cstring>

// File handles of pidfds (6.14): the inode is the handle. The library does not use them, ProcessRef opens by number and
// compares: a handle opens any process by its inode alone, without a number, but from 7.0 on only one that some pidfd
// was opened for before. What is relied upon is that an inode never means another process; here the kernel says so.
// The scenarios are those of its own pidfd_file_handle_test.
namespace knell::test {
namespace {

constexpr int kFileidKernfs = 0xfe; // FILEID_KERNFS, include/linux/exportfs.h

// `mount`: any pidfd, they share one file system.
Fd open_handle(const Pidfd& mount, std::uint64_t inode) {
    constexpr std::size_t kSize = sizeof(file_handle) + sizeof(inode);
    alignas(file_handle) char bytes[kSize] = {};
    const unsigned size = sizeof(inode);
    const int type = kFileidKernfs;
    std::memcpy(bytes + offsetof(file_handle, handle_bytes), &size, sizeof(size));
    std::memcpy(bytes + offsetof(file_handle, handle_type), &type, sizeof(type));
    std::memcpy(bytes + sizeof(file_handle), &inode, sizeof(inode));
    return Fd(::open_by_handle_at(mount.fd(), reinterpret_cast<file_handle*>(bytes), O_CLOEXEC));
}

class PidfdHandle : public testing::Test {
  protected:
    void SetUp() override {
        if (!open_handle(self_, value_of(self_.inode()))) {
            GTEST_SKIP() << "this kernel has no file handles of pidfds (Linux 6.14): " << std::strerror(errno);
        }
    }

    Pidfd self_ = value_of(Pidfd::self());
};

TEST_F(PidfdHandle, OpensTheProcessOfTheInode) {
    const Process child = start_sleeper();
    const Pidfd pidfd = value_of(Pidfd::open(child.pid()));
    const Pidfd opened = value_of(Pidfd::adopt(open_handle(self_, value_of(pidfd.inode()))));
    EXPECT_TRUE(opened == pidfd);
    EXPECT_FALSE(opened == self_);
}

TEST_F(PidfdHandle, OpensAZombieAndIsStaleAfterTheReap) {
    Process child = start_zombie();
    const std::uint64_t inode = value_of(value_of(Pidfd::open(child.pid())).inode());
    EXPECT_TRUE(open_handle(self_, inode));
    (void)value_of(child.wait());
    EXPECT_FALSE(open_handle(self_, inode));
    EXPECT_EQ(errno, ESTALE);
}

TEST_F(PidfdHandle, IsStaleOutsideOfThePidNamespace) {
    const std::uint64_t above = value_of(self_.inode());
    check_in_new_pid_namespace([above] {
        const Pidfd inside = value_of(Pidfd::self());
        EXPECT_TRUE(open_handle(inside, value_of(inside.inode())));
        EXPECT_FALSE(open_handle(inside, above));
        EXPECT_EQ(errno, ESTALE);
    });
}

} // namespace
} // namespace knell::test

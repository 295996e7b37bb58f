#include "tests/unit/watch/fake_slots.hpp"

#include "agent/base/clock.hpp"
#include "agent/pidfd/procfd.hpp"
#include "agent/pidfd/stat.hpp"
#include "tests/support/children.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

namespace knell::test {
namespace {

bool is_open(int fd) {
    return ::fcntl(fd, F_GETFD) >= 0;
}

} // namespace

Result<> FakeSlots::tag(int pidfd, std::uint32_t slot) {
    EXPECT_TRUE(is_open(pidfd));
    on_tag(slot);
    if (refuse_with != 0) {
        return system_failure("tag a process", refuse_with);
    }
    tagged.push_back(slot);
    return {};
}

void FakeSlots::untag(int pidfd) {
    EXPECT_TRUE(is_open(pidfd));
    ++untagged;
}

knell_process describe(pid_t pid) {
    const Pidfd pidfd = value_of(Pidfd::open(pid));
    const procfd::Stat stat = value_of(procfd::read_stat(value_of(procfd::open(pidfd))));
    knell_process process{};
    process.pid = static_cast<std::uint32_t>(pid);
    process.ppid = stat.ppid;
    process.uid = ::getuid();
    process.pid_inode = value_of(pidfd.inode());
    // Somewhere within the tick that /proc shows.
    const auto ticks_per_second = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
    process.start_boot_ns = stat.start_ticks * (kSecond / ticks_per_second) + 1234;
    process.start_ns = process.start_boot_ns;
    std::ranges::copy(stat.comm.substr(0, KNELL_COMM_SIZE - 1), process.comm);
    return process;
}

} // namespace knell::test

#include "tests/pidfd/apart.hpp"

#include "tests/pidfd/child.hpp"

#include <gtest/gtest.h>

#include <grp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <system_error>

namespace knell::test {
namespace {

constexpr uid_t kNobody = 65534;

void require(bool done, const char* what) {
    if (!done) {
        throw std::system_error(errno, std::generic_category(), what);
    }
}

int run(const std::function<void()>& check) {
    check();
    return testing::Test::HasFailure() ? 1 : 0;
}

void mount_proc(const char* options) {
    require(::unshare(CLONE_NEWNS) == 0, "unshare(CLONE_NEWNS)");
    require(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, "mount --make-rprivate /");
    while (::umount2("/proc", MNT_DETACH) == 0) { // there may be one upon the other
    }
    require(options == nullptr || ::mount("proc", "/proc", "proc", 0, options) == 0, "mount /proc");
}

// A supplementary group of root's would open hidepid. Not being dumpable, a trace of having been root, would close
// one's own /proc directory; a program that nobody starts has none of it.
void become_nobody() {
    require(::setgroups(0, nullptr) == 0, "setgroups");
    require(::setgid(kNobody) == 0 && ::setuid(kNobody) == 0, "setuid");
    require(::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0, "prctl(PR_SET_DUMPABLE)");
}

} // namespace

void check_with_proc(const ProcMount& mount, const std::function<void()>& check) {
    const Child child([&](const Line&) {
        mount_proc(mount.options);
        if (mount.as_nobody) {
            become_nobody();
        }
        return run(check);
    });
    EXPECT_EQ(child.reap(), 0) << "the check in a child with another /proc failed";
}

void check_in_new_pid_namespace(const std::function<void()>& check) {
    EXPECT_EQ(ask_in_new_pid_namespace([&check] { return run(check); }), 0)
        << "the check in a pid namespace of its own failed";
}

void check_inside(const Fd& pidns, const std::function<void()>& check) {
    const Child gate([&](const Line&) {
        require(::setns(pidns.get(), CLONE_NEWPID) == 0, "setns(CLONE_NEWPID)");
        const Child inside([&check](const Line&) { return run(check); });
        return WEXITSTATUS(inside.reap());
    });
    EXPECT_EQ(gate.reap(), 0) << "the check inside of a pid namespace failed";
}

} // namespace knell::test

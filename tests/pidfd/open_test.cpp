#include "agent/pidfd/info.hpp"
#include "agent/pidfd/pidfd.hpp"

#include "agent/pidfd/problem.hpp"
#include "tests/pidfd/child.hpp"
#include "tests/pidfd/kernel_age.hpp"
#include "tests/support/children.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace knell::test {
namespace {

bool close_on_exec(int fd) {
    return (::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0;
}

class PidfdOpen : public OnKernelAge {};
INSTANTIATE_TEST_SUITE_P(Kernels, PidfdOpen, testing::Values(kNewest, kBeforePidfs), age_name);

TEST_P(PidfdOpen, EveryWayIsCloseOnExecAndTheProcess) {
    const Child child(sleep_for_ever);
    const Pidfd opened = child.open();
    const Pidfd copy = value_of(opened.dup());
    EXPECT_NE(copy.fd(), opened.fd());
    for (const Pidfd* pidfd : {&opened, &copy}) {
        EXPECT_TRUE(close_on_exec(pidfd->fd()));
        EXPECT_EQ(value_of(pidfd->info()).tgid, static_cast<std::uint32_t>(child.pid()));
    }
    const Pidfd self = value_of(Pidfd::self());
    EXPECT_TRUE(close_on_exec(self.fd()));
    EXPECT_EQ(value_of(self.info()).tgid, static_cast<std::uint32_t>(::getpid()));
}

TEST_P(PidfdOpen, TellsWhyThereIsNone) {
    const Child other(leave_leader_first(0));
    const auto thread = static_cast<pid_t>(other.line().hear());
    const Child reaped([](const Line&) { return 0; });
    (void)reaped.reap();
    struct Row {
        pid_t pid;
        int errno_value;
    };
    for (const auto& [pid, errno_value] : {Row{impossible_pid(), ESRCH}, Row{reaped.pid(), ESRCH}, Row{thread, EINVAL},
                                           Row{0, EINVAL}, Row{-1, EINVAL}}) {
        const auto pidfd = Pidfd::open(pid);
        ASSERT_FALSE(pidfd) << pid;
        EXPECT_EQ(pidfd.error().errno_value, errno_value) << pidfd.error().message;
        EXPECT_NE(pidfd.error().message.find("(" + std::to_string(pid) + ")"), std::string::npos)
            << pidfd.error().message;
    }
}

TEST_P(PidfdOpen, OpensAZombie) {
    const Child child([](const Line&) { return 0; });
    child.await_death();
    EXPECT_TRUE(Pidfd::open(child.pid()));
}

TEST_P(PidfdOpen, OutOfDescriptors) {
    const Child child([](const Line&) {
        const rlimit none{.rlim_cur = 3, .rlim_max = 3};
        if (::setrlimit(RLIMIT_NOFILE, &none) != 0) {
            return 254;
        }
        const auto pidfd = Pidfd::self();
        return pidfd ? 0 : pidfd.error().errno_value;
    });
    EXPECT_EQ(WEXITSTATUS(child.reap()), EMFILE);
}

TEST_P(PidfdOpen, Thread) {
    const Child child(leave_leader_first(0));
    const auto tid = static_cast<pid_t>(child.line().hear());
    const auto thread = Pidfd::open_thread(tid);
    if (!available(PidfdFeature::thread_pidfds)) {
        EXPECT_EQ(problem_of(thread.error()), Problem::kernel_too_old);
        return;
    }
    ASSERT_TRUE(thread) << thread.error().message;
    EXPECT_TRUE(close_on_exec(thread->fd()));
    const ProcessInfo info = value_of(thread->info());
    EXPECT_EQ(info.pid, static_cast<std::uint32_t>(tid));
    EXPECT_EQ(info.tgid, static_cast<std::uint32_t>(child.pid()));
    EXPECT_TRUE(Pidfd::open_thread(child.pid())) << "a process is a thread too";
    EXPECT_EQ(problem_of(Pidfd::open_thread(impossible_pid()).error()), Problem::gone);
    EXPECT_EQ(Pidfd::open_thread(-1).error().errno_value, EINVAL);
}

TEST(PidfdReleased, AnswersAndDoesNotWait) {
    Pidfd pidfd = value_of(Pidfd::self());
    const Fd released = std::move(pidfd).release();
    EXPECT_TRUE(released);
    EXPECT_EQ(problem_of(pidfd.poll(ProcessState::zombie, std::nullopt).error()), Problem::not_a_pidfd);
    EXPECT_EQ(problem_of(pidfd.wait().error()), Problem::not_a_pidfd);
    EXPECT_EQ(problem_of(pidfd.send_signal(0).error()), Problem::not_a_pidfd);
    EXPECT_EQ(problem_of(pidfd.info().error()), Problem::not_a_pidfd);
    EXPECT_EQ(problem_of(pidfd.getfd(0).error()), Problem::not_a_pidfd);
    EXPECT_FALSE(pidfd.dup());
    EXPECT_EQ(pidfd.exit_status(), std::nullopt);
}

// --- adopt ---

class PidfdAdopt : public OnKernelAge {};
INSTANTIATE_TEST_SUITE_P(Kernels, PidfdAdopt, testing::Values(kNewest, kBeforePidfs), age_name);

TEST_P(PidfdAdopt, TakesPidfdsInEveryState) {
    const Child child([](const Line& line) { return static_cast<int>(line.hear()); });
    const Pidfd pidfd = child.open();
    const auto adopt_copy = [&pidfd] {
        const auto adopted = Pidfd::adopt(Fd(::fcntl(pidfd.fd(), F_DUPFD, 0)));
        return adopted && close_on_exec(adopted->fd());
    };
    EXPECT_TRUE(adopt_copy());
    child.line().tell(7);
    child.await_death();
    EXPECT_TRUE(adopt_copy());
    EXPECT_EQ(WEXITSTATUS(child.reap()), 7) << "adopting a child's pidfd must not reap the child";
    EXPECT_TRUE(adopt_copy());
}

TEST_P(PidfdAdopt, TakesPidfdsOfStrangersAndThreads) {
    EXPECT_TRUE(Pidfd::adopt(open_pidfd(1)));
    if (available(PidfdFeature::thread_pidfds)) {
        EXPECT_TRUE(Pidfd::adopt(value_of(Pidfd::open_thread(own_tid())).release()));
    }
}

TEST_P(PidfdAdopt, RefusesAndClosesEverythingElse) {
    const Pidfd self = value_of(Pidfd::self());
    int pipe[2] = {-1, -1};
    ASSERT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
    const Fd write_end(pipe[1]);
    struct Row {
        const char* what;
        int fd;
    };
    const auto open_path = [](const std::string& path, int flags) { return ::open(path.c_str(), flags | O_CLOEXEC); };
    const Row rows[] = {
        {"nothing", -1},
        {"a closed descriptor", 1'000'000'000},
        {"a device", open_path("/dev/null", O_RDONLY)},
        {"a file", open_path("/proc/self/exe", O_RDONLY)},
        {"a directory", open_path("/", O_RDONLY | O_DIRECTORY)},
        {"a directory of /proc", open_path("/proc/self", O_RDONLY | O_DIRECTORY)},
        {"a directory of /proc by path", open_path("/proc/self", O_PATH)},
        {"a pidfd by path", open_path("/proc/self/fd/" + std::to_string(self.fd()), O_PATH)},
        {"a namespace", open_path("/proc/self/ns/pid", O_RDONLY)},
        {"a pipe", pipe[0]},
        {"a socket", ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)},
        {"an eventfd", ::eventfd(0, EFD_CLOEXEC)},
        {"an epoll", ::epoll_create1(EPOLL_CLOEXEC)},
    };
    for (const auto& [what, fd] : rows) {
        const auto adopted = Pidfd::adopt(Fd(fd));
        ASSERT_FALSE(adopted) << what;
        EXPECT_EQ(problem_of(adopted.error()), Problem::not_a_pidfd) << what << ": " << adopted.error().message;
        EXPECT_EQ(::fcntl(fd, F_GETFD), -1) << what << " is still open";
    }
}

} // namespace
} // namespace knell::test

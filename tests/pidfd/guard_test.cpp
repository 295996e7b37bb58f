#include "agent/base/file.hpp"
#include "agent/pidfd/features.hpp"
#include "agent/pidfd/problem.hpp"
#include "tests/pidfd/job.hpp"

#include <gtest/gtest.h>

#include <sched.h>
#include <sys/mount.h>

#include <atomic>
#include <filesystem>
#include <thread>

// The guard of KillOnClose, on kernels where there is one.
namespace knell::test {
namespace {

const auto kAgesWithGuards = testing::Values(kBeforeAutokill, kBeforeExitInfo, kBeforePidfs, kOldest);

class GuardTest : public KillOnCloseTest {};

INSTANTIATE_TEST_SUITE_P(Kernels, GuardTest, kAgesWithGuards, age_name);

Pidfd guard_of(const KillOnClose& job) {
    return value_of(Pidfd::open(static_cast<pid_t>(value_of(job.process().info()).ppid.value())));
}

// What other threads do leaves locks behind in a copy of the process.
TEST(Guard, IsStartedWhileOtherThreadsUseTheHeap) {
    std::atomic<std::size_t> used{0};
    std::vector<std::jthread> threads; // the last: what they use outlives them
    for (int i = 0; i < 2; ++i) {
        threads.emplace_back([&used](const std::stop_token& stop) {
            while (!stop.stop_requested()) {
                used += std::string(used % 5000 + 100, 'x').size();
            }
        });
    }
    for (int i = 0; i < 10; ++i) {
        const auto job = start_job({die_path(), "exit", "1"}, Scope::descendants);
        EXPECT_EQ(value_of(job.wait(kPatienceNs)), 1 << 8);
        EXPECT_EQ(KillOnClose::spawn(program({"/nonexistent/tool"}), Scope::descendants).error().errno_value, ENOENT);
    }
}

TEST_P(GuardTest, ItsDeathKillsTheProcess) {
    for (const Scope scope : kScopes) {
        const auto job = start_sleeping_job(scope);
        ASSERT_TRUE(guard_of(job).send_signal(SIGKILL));
        EXPECT_TRUE(dies(job.process()));
        EXPECT_NE(await_events(job.handle(), 0) & POLLHUP, 0);
        EXPECT_TRUE(Orphanage::empties());
        const auto status = job.wait(kPatienceNs);
        if (available(PidfdFeature::exit_info)) {
            EXPECT_EQ(value_of(status), SIGKILL);
        } else {
            EXPECT_EQ(status.error().errno_value, ECHILD) << "nobody knows any more";
        }
    }
}

TEST_P(GuardTest, SignalsDoNotMoveIt) {
    auto job = start_sleeping_job();
    const Pidfd guard = guard_of(job);
    for (const int signal :
         {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGPIPE, SIGCHLD, SIGTSTP, SIGTTIN, SIGRTMIN}) {
        ASSERT_TRUE(guard.send_signal(signal)) << signal;
    }
    EXPECT_TRUE(lives(guard));
    EXPECT_TRUE(lives(job.process()));
    std::move(job).release_handle().reset();
    EXPECT_TRUE(dies(job.process()));
    EXPECT_TRUE(dies(guard));
}

TEST_P(GuardTest, AStoppedOneKillsWhenItIsContinued) {
    auto job = start_sleeping_job();
    const Pidfd guard = guard_of(job);
    ASSERT_TRUE(guard.send_signal(SIGSTOP));
    siginfo_t stopped{};
    ASSERT_EQ(::waitid(P_PIDFD, static_cast<id_t>(guard.fd()), &stopped, WSTOPPED | WNOWAIT), 0);
    std::move(job).release_handle().reset();
    EXPECT_TRUE(lives(job.process()));
    ASSERT_TRUE(guard.send_signal(SIGCONT));
    EXPECT_TRUE(dies(job.process()));
}

TEST_P(GuardTest, HoldsNothingOfOurs) {
    for (const Scope scope : kScopes) {
        Ends pipe = make_pipe();
        Fd inheritable(::fcntl(pipe.second.get(), F_DUPFD, 0));
        const Fd old_stdin(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0));
        ASSERT_EQ(::dup2(pipe.second.get(), STDIN_FILENO), STDIN_FILENO);
        SpawnOptions options = program({"sleep", "600"});
        const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
        options.descriptors = {{.child_number = STDIN_FILENO, .ours = null.get()}};
        const auto job = KillOnClose::spawn(options, scope);
        ASSERT_EQ(::dup2(old_stdin.get(), STDIN_FILENO), STDIN_FILENO);
        ASSERT_TRUE(job) << job.error().message;
        pipe.second.reset();
        inheritable.reset();
        EXPECT_EQ(read_rest(pipe.first), "") << "the guard would keep the pipe from ending";

        const std::string proc = "/proc/" + std::to_string(number_of(guard_of(*job)));
        EXPECT_EQ(value_of(read_small_file(AT_FDCWD, (proc + "/comm").c_str(), 64)), "knell-guard\n");
        EXPECT_EQ(std::filesystem::read_symlink(proc + "/cwd"), "/");
        EXPECT_EQ(::getsid(number_of(guard_of(*job))), number_of(guard_of(*job)));
        EXPECT_NE(::getsid(number_of(job->process())), number_of(guard_of(*job)));
    }
}

TEST_P(GuardTest, ItsParentIsNotTheCaller) {
    const Child caller([](const Line& line) {
        const auto job = start_sleeping_job();
        line.tell(static_cast<pid_t>(value_of(guard_of(job).info()).ppid.value()));
        return 0;
    });
    EXPECT_EQ(caller.line().hear(), ::getpid()) << "we are the subreaper";
}

TEST_P(GuardTest, TakesProcToFindDescendants) {
    const Child caller([](const Line&) {
        if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            ::mount("tmpfs", "/proc", "tmpfs", 0, nullptr) != 0) {
            return 2;
        }
        EXPECT_EQ(problem_of(KillOnClose::spawn(program({"true"}), Scope::descendants).error()), Problem::no_procfs);
        EXPECT_TRUE(KillOnClose::spawn(program({"true"}), Scope::process)) << "one process is found without it";
        return testing::Test::HasFailure() ? 1 : 0;
    });
    EXPECT_EQ(caller.reap(), 0);
}

} // namespace
} // namespace knell::test

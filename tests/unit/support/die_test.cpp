#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace knell::test {
namespace {

constexpr int exited(int code) {
    return code << 8;
}

struct Way {
    std::string name; // of the test
    std::vector<std::string> arguments;
    int status; // wait status; whether a core was dumped is the host's affair
    int send = 0;
};

void PrintTo(const Way& way, std::ostream* out) {
    *out << way.name;
}

// Every way of `die --list` that ends by itself or by one signal, and needs nothing from the host.
const std::vector<Way>& ways() {
    static const std::vector<Way> rows = {
        {"exit_0", {"exit", "0"}, exited(0)},
        {"exit_42", {"exit", "42"}, exited(42)},
        {"sys_exit", {"sys-exit", "6"}, exited(6)},
        {"sleep", {"sleep"}, SIGKILL, SIGKILL},
        {"rename", {"rename", "\x1b[2J\xff"}, SIGTERM, SIGTERM},
        {"rename_and_die", {"rename", "x", "exit", "4"}, exited(4)},
        {"eat_memory_survives_its_bound", {"eat-memory", "4"}, exited(125)},
        {"eat_memory_child", {"eat-memory-child", "4"}, SIGTERM, SIGTERM},
        {"xcpu", {"xcpu"}, SIGXCPU},
        {"xcpu_hard", {"xcpu-hard"}, SIGKILL},
        {"xfsz", {"xfsz"}, SIGXFSZ},
        {"kill_self_number", {"kill-self", "9"}, SIGKILL},
        {"kill_self_harmless_survives", {"kill-self", "SIGCHLD"}, exited(125)},
        {"raise_name", {"raise", "USR1"}, SIGUSR1},
        {"raise_real_time", {"raise", "40"}, 40},
        {"abort", {"abort"}, SIGABRT},
        {"pipe", {"pipe"}, SIGPIPE},
        {"pipe_socket", {"pipe-socket"}, SIGPIPE},
        {"alarm", {"alarm"}, SIGALRM},
        {"timer", {"timer"}, SIGUSR1},
        {"sigio", {"sigio"}, SIGIO},
        {"tty_interrupt", {"tty", "interrupt"}, exited(0)},
        {"tty_hangup", {"tty", "hangup"}, exited(0)},
        {"handle", {"handle", "QUIT", "5"}, exited(5), SIGQUIT},
        {"handle_then_raise", {"handle-then-raise", "TERM"}, SIGTERM, SIGTERM},
        {"term_graceful", {"term-graceful", "7"}, exited(7), SIGTERM},
        {"term_graceful_delayed", {"term-graceful", "0", "1"}, exited(0), SIGTERM},
        {"term_ignore", {"term-ignore"}, SIGKILL, SIGKILL},
        {"block_term_then_unblock", {"block-term-then-unblock"}, SIGTERM, SIGTERM},
        {"segv", {"segv"}, SIGSEGV},
        {"bus", {"bus"}, SIGBUS},
        {"fpe", {"fpe"}, SIGFPE},
        {"ill", {"ill"}, SIGILL},
        {"trap", {"trap"}, SIGTRAP},
        {"sigsys_seccomp", {"sigsys-seccomp"}, SIGSYS},
        {"sigsys_seccomp_thread", {"sigsys-seccomp-thread"}, SIGSYS},
        {"seccomp_strict", {"seccomp-strict"}, SIGKILL},
        {"threads", {"threads", "3"}, SIGKILL, SIGKILL},
        {"thread_exit_group", {"thread-exit-group", "77"}, exited(77)},
        {"thread_exit_group_of_20", {"thread-exit-group", "77", "20"}, exited(77)},
        {"double_exit", {"double-exit", "3"}, exited(3)},
        {"segv_thread", {"segv-thread"}, SIGSEGV},
        {"exec_thread", {"exec-thread", die_path(), "exit", "8"}, exited(8)},
        {"exec_thread_no_program", {"exec-thread", "/nonexistent"}, exited(125)},
        {"leader_first_exec", {"leader-first-exec", die_path(), "exit", "8"}, exited(8)},
        {"term_then_exec_thread", {"term-then-exec-thread", die_path(), "exit", "8"}, exited(8), SIGTERM},
        {"vfork_child", {"vfork-child", "4"}, exited(0)},
        {"vfork_exec", {"vfork-exec", "/nonexistent"}, exited(0)},
        {"pdeathsig_thread", {"pdeathsig-thread", "USR1"}, exited(0)},
        {"killed_by_child", {"killed-by-child", "HUP"}, SIGHUP},
        {"kill_child", {"kill-child", "KILL"}, exited(0)},
        {"autoreap", {"autoreap", "5"}, exited(0)},
        {"zombie", {"zombie", "0"}, exited(0)},
        {"storm", {"storm", "50"}, exited(0)},
        {"storm_of_deaths", {"storm", "5", "segv"}, exited(0)},
        {"storm_of_codes", {"storm-of-codes"}, exited(0)},
        {"storm_of_kills", {"storm-of-kills", "5"}, exited(0)},
        {"storm_of_names", {"storm-of-names", "5"}, exited(0)},
        {"fork_tree", {"fork-tree", "3"}, exited(0)},
        {"clone_parent", {"clone-parent", "4"}, exited(0)},
    };
    return rows;
}

// Tested below, each in its own way.
const std::set<std::string> kOthers = {"pdeathsig",   "coredump", "leader-first", "pidns-init",
                                       "pidns-sleep", "user",     "send",         "crowd"};

// Its cgroups are made by tests/e2e/test_overload.py.
const std::string kOfAnOverload = "storm-of-cgroups";

// They need a cgroup, another process or a namespace: each is a row of tests/bpf/battery_rows.cpp.
const std::set<std::string> kOfTheBattery = {"eat-memory-shared", "write",      "trace-then-exit", "trace-then-kill",
                                             "pidns-parent",      "pidns-kill", "pidns-nested",    "pidns-reboot"};

std::vector<std::string> command(const std::vector<std::string>& arguments) {
    std::vector<std::string> argv = {die_path()};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return argv;
}

class Die : public testing::TestWithParam<Way> {};

TEST_P(Die, EndsAsPromised) {
    const Way& way = GetParam();
    Result<Process> victim = Process::start(command(way.arguments));
    ASSERT_TRUE(victim) << victim.error().message;
    EXPECT_EQ(victim->read_line().value_or("no output"), "pid " + std::to_string(victim->pid()));
    if (way.send != 0) {
        ASSERT_TRUE(victim->read_after("ready"));
        ASSERT_TRUE(victim->kill(way.send));
    }
    const Result<int> status = victim->wait();
    ASSERT_TRUE(status) << status.error().message;
    EXPECT_EQ(*status & ~0x80, way.status);
}

std::string way_name(const testing::TestParamInfo<Way>& info) {
    return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(Ways, Die, testing::ValuesIn(ways()), way_name);

TEST(DieList, NamesExactlyTheTestedWays) {
    Result<Process> lister = Process::start({die_path(), "--list"});
    ASSERT_TRUE(lister) << lister.error().message;
    std::istringstream lines(lister->read_rest().value_or(""));
    std::set<std::string> listed;
    for (std::string line; std::getline(lines, line);) {
        listed.insert(line.substr(0, line.find(' ')));
    }
    std::set<std::string> tested = kOthers;
    tested.insert(kOfAnOverload);
    tested.insert(kOfTheBattery.begin(), kOfTheBattery.end());
    for (const Way& way : ways()) {
        tested.insert(way.arguments[0]);
    }
    EXPECT_EQ(listed, tested);
}

TEST(DieUsage, WrongUseIsStatus2) {
    const std::vector<std::vector<std::string>> wrong = {
        {},
        {"no-such-way"},
        {"exit"},
        {"exit", "1", "2"},
        {"exit", "256"},
        {"exit", "x"},
        {"raise", "NOSIGNAL"},
        {"raise", "0"},
        {"raise", "65"},
        {"coredump", "/nonexistent"},
    };
    for (const std::vector<std::string>& arguments : wrong) {
        Result<Process> victim = Process::start(command(arguments), {.errors_with_output = true});
        ASSERT_TRUE(victim) << victim.error().message;
        EXPECT_EQ(victim->wait().value_or(-1), exited(2)) << (arguments.empty() ? "nothing" : arguments.back());
    }
}

TEST(DieCounts, AreToldAfterTheWork) {
    for (const auto& [way, amount, count] :
         {std::tuple{"storm", "25", "25"}, {"storm-of-kills", "5", "5"}, {"fork-tree", "4", "30"}}) {
        Result<Process> victim = Process::start({die_path(), way, amount});
        ASSERT_TRUE(victim) << victim.error().message;
        EXPECT_EQ(victim->read_after("count").value_or("none"), count) << way;
    }
}

TEST(DieSend, EachWayKills) {
    for (const std::string how : {"kill", "tgkill", "sigqueue", "pidfd"}) {
        Result<Process> victim = Process::start({die_path(), "sleep"});
        ASSERT_TRUE(victim && victim->read_after("ready"));
        Result<Process> sender = Process::start({die_path(), "send", std::to_string(victim->pid()), "USR1", how});
        ASSERT_TRUE(sender) << sender.error().message;
        EXPECT_EQ(sender->wait().value_or(-1), exited(0)) << how;
        EXPECT_EQ(victim->wait().value_or(-1), SIGUSR1) << how;
    }
}

TEST(DieCrowd, EndsWhenItsGroupIsAskedTo) {
    Result<Process> crowd = Process::start({die_path(), "crowd", "5"}, {.own_group = true});
    ASSERT_TRUE(crowd && crowd->read_after("ready"));
    ASSERT_EQ(::kill(-crowd->pid(), SIGTERM), 0);
    EXPECT_EQ(crowd->read_after("count").value_or("none"), "5");
    EXPECT_EQ(crowd->wait().value_or(-1), exited(0));
}

TEST(DieUser, LeavesRoot) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "setresuid needs root";
    }
    Result<Process> victim = Process::start({die_path(), "user", "65534"});
    ASSERT_TRUE(victim) << victim.error().message;
    EXPECT_EQ(victim->wait().value_or(-1), exited(0));
}

TEST(DiePdeathsig, TheChildDiesOfTheSignalItAskedFor) {
    ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    Result<Process> parent = Process::start({die_path(), "pdeathsig", "USR2"});
    ASSERT_TRUE(parent) << parent.error().message;
    const Result<long> child = parse_number(parent->read_after("child").value_or(""));
    ASSERT_TRUE(child) << child.error().message;
    EXPECT_EQ(parent->wait().value_or(-1), exited(0));
    EXPECT_EQ(reap(static_cast<pid_t>(*child)).value_or(-1), SIGUSR2);
    ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

// The parent sees the last thread's code since 6.1, the leader's before.
TEST(DieLeaderFirst, EndsWithTheLastThread) {
    Result<Process> victim = Process::start({die_path(), "leader-first", "5", "9"});
    ASSERT_TRUE(victim) << victim.error().message;
    EXPECT_THAT(victim->wait().value_or(-1), testing::AnyOf(exited(9), exited(5)));
}

TEST(DieCoredump, DiesOfSegvInTheDirectory) {
    const Result<TempDir> directory = TempDir::create();
    ASSERT_TRUE(directory) << directory.error().message;
    Result<Process> victim = Process::start({die_path(), "coredump", directory->path()});
    ASSERT_TRUE(victim) << victim.error().message;
    EXPECT_EQ(victim->wait().value_or(-1) & 0x7f, SIGSEGV);
}

TEST(DiePidns, TellsBothChildrenAndEnds) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "unshare(CLONE_NEWPID) needs root";
    }
    Result<Process> victim = Process::start({die_path(), "pidns-init", "3"}, {.errors_with_output = true});
    ASSERT_TRUE(victim) << victim.error().message;
    const Result<long> init = parse_number(victim->read_after("child").value_or(""));
    const Result<long> sleeper = parse_number(victim->read_after("child").value_or(""));
    ASSERT_TRUE(init && sleeper);
    EXPECT_GT(*init, 1) << "its number in our namespace, not in its own";
    EXPECT_GT(*sleeper, 2);
    EXPECT_NE(*init, *sleeper);
    EXPECT_EQ(victim->wait().value_or(-1), exited(0));
    EXPECT_EQ(::kill(static_cast<pid_t>(*sleeper), 0), -1) << "the namespace outlived its init";
}

TEST(DiePidns, TheInitSleepsThroughSigterm) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "unshare(CLONE_NEWPID) needs root";
    }
    Result<Process> victim = Process::start({die_path(), "pidns-sleep"});
    ASSERT_TRUE(victim) << victim.error().message;
    const Result<long> init = parse_number(victim->read_after("child").value_or(""));
    ASSERT_TRUE(init) << init.error().message;
    ASSERT_EQ(::kill(static_cast<pid_t>(*init), SIGTERM), 0);
    EXPECT_EQ(victim->wait(std::chrono::milliseconds(1)).error().errno_value, ETIMEDOUT);
    ASSERT_EQ(::kill(static_cast<pid_t>(*init), SIGKILL), 0);
    EXPECT_EQ(victim->wait().value_or(-1), exited(0));
}

} // namespace
} // namespace knell::test

#include "tests/support/cgroup.hpp"
#include "tests/support/clone.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

namespace knell::test {
namespace {

using namespace std::chrono_literals;

TEST(Process, ReadsLinesAndTheRest) {
    Result<Process> shell = Process::start({"sh", "-c", "echo one; echo two; printf 'word  x\\nend\\nlast'"});
    ASSERT_TRUE(shell) << shell.error().message;
    EXPECT_EQ(shell->read_line().value_or(""), "one");
    EXPECT_EQ(shell->read_after("word").value_or(""), " x");
    EXPECT_EQ(shell->read_rest().value_or(""), "end\nlast");
    EXPECT_EQ(shell->read_line().error().errno_value, ENODATA);
}

TEST(Process, LastLineNeedsNoNewline) {
    Result<Process> shell = Process::start({"printf", "a\nb"});
    ASSERT_TRUE(shell) << shell.error().message;
    EXPECT_EQ(shell->read_line().value_or(""), "a");
    EXPECT_EQ(shell->read_line().value_or(""), "b");
    EXPECT_EQ(shell->read_line().error().errno_value, ENODATA);
}

TEST(Process, ErrorsJoinTheOutputOnRequest) {
    Result<Process> shell = Process::start({"sh", "-c", "echo wrong >&2"}, {.errors_with_output = true});
    ASSERT_TRUE(shell) << shell.error().message;
    EXPECT_EQ(shell->read_line().value_or(""), "wrong");
}

TEST(Process, WaitingHasADeadline) {
    Result<Process> sleeper = Process::start({die_path(), "sleep"});
    ASSERT_TRUE(sleeper) << sleeper.error().message;
    ASSERT_TRUE(sleeper->read_after("ready"));
    EXPECT_EQ(sleeper->read_line(1ms).error().errno_value, ETIMEDOUT);
    EXPECT_EQ(sleeper->wait(1ms).error().errno_value, ETIMEDOUT);
    ASSERT_TRUE(sleeper->kill(SIGINT));
    EXPECT_EQ(sleeper->wait().value_or(-1), SIGINT);
    EXPECT_EQ(sleeper->wait().value_or(-1), SIGINT) << "asked again";
    EXPECT_EQ(sleeper->kill(SIGINT).error().errno_value, ESRCH);
}

TEST(Process, UnknownProgramIsAnError) {
    const Result<Process> none = Process::start({"/nonexistent/program"});
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().errno_value, ENOENT);
}

TEST(Process, DestructorKillsAndReaps) {
    pid_t pid = 0;
    {
        Result<Process> sleeper = Process::start({die_path(), "term-ignore"});
        ASSERT_TRUE(sleeper) << sleeper.error().message;
        pid = sleeper->pid();
    }
    EXPECT_EQ(::kill(pid, 0), -1);
    EXPECT_EQ(errno, ESRCH);
}

TEST(Process, LeadsItsGroupOnRequest) {
    Result<Process> leader = Process::start({die_path(), "sleep"}, {.own_group = true});
    ASSERT_TRUE(leader) << leader.error().message;
    EXPECT_EQ(::getpgid(leader->pid()), leader->pid());
}

TEST(CloneProcess, TakesTheNumber) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "choosing a pid needs root";
    }
    Result<Process> first = Process::start({die_path(), "exit", "0"});
    ASSERT_TRUE(first) << first.error().message;
    EXPECT_EQ(clone_process({.pid = first->pid()}).error().errno_value, EEXIST) << "its zombie has the number";
    ASSERT_TRUE(first->wait());
    const Result<pid_t> second = clone_process({.pid = first->pid()});
    if (second && *second == 0) {
        ::_exit(0);
    }
    ASSERT_TRUE(second) << second.error().message;
    EXPECT_EQ(*second, first->pid());
    EXPECT_EQ(reap(*second).value_or(-1), 0);
}

TEST(TempDir, IsRemovedWithItsContent) {
    std::filesystem::path path;
    {
        const Result<TempDir> directory = TempDir::create();
        ASSERT_TRUE(directory) << directory.error().message;
        path = directory->path();
        std::ofstream(path / "file") << "x";
        EXPECT_TRUE(std::filesystem::exists(path / "file"));
    }
    EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(ParseNumber, WantsTheWholeText) {
    EXPECT_EQ(parse_number("42").value_or(-1), 42);
    for (const char* text : {"", "x", "4 ", "4x", " 4"}) {
        EXPECT_FALSE(parse_number(text)) << text;
    }
}

class Cgroup : public testing::Test {
  protected:
    void SetUp() override {
        if (::geteuid() != 0) {
            GTEST_SKIP() << "cgroups need root";
        }
    }
};

TEST_F(Cgroup, KillsItsMembersAndGoes) {
    Result<Process> member = Process::start({die_path(), "sleep"});
    ASSERT_TRUE(member) << member.error().message;
    std::filesystem::path path;
    {
        const Result<TestCgroup> group = TestCgroup::unified();
        if (!group) {
            GTEST_SKIP() << group.error().message;
        }
        path = group->path();
        const Result<> added = group->add(member->pid());
        ASSERT_TRUE(added) << added.error().message;
    }
    EXPECT_FALSE(std::filesystem::exists(path));
    EXPECT_EQ(member->wait().value_or(-1), SIGKILL);
}

TEST_F(Cgroup, ProcessIsBornInIt) {
    const Result<TestCgroup> group = TestCgroup::unified();
    if (!group) {
        GTEST_SKIP() << group.error().message;
    }
    const Result<TestCgroup> inner = TestCgroup::inside(*group, "inner.service");
    ASSERT_TRUE(inner) << inner.error().message;
    Result<Process> reader = Process::start({"cat", "/proc/self/cgroup"}, {.born_in = inner->path()});
    ASSERT_TRUE(reader) << reader.error().message;
    const std::string path = "/" + group->path().filename().string() + "/inner.service";
    EXPECT_THAT(reader->read_rest().value_or(""), testing::HasSubstr("0::" + path + "\n"));
}

TEST_F(Cgroup, MemoryLimitKills) {
    const Result<TestCgroup> group = TestCgroup::with_memory_limit(16U << 20);
    if (!group) {
        GTEST_SKIP() << group.error().message;
    }
    Result<Process> eater = Process::start({die_path(), "eat-memory", "64"}, {.cgroup_procs = group->procs_path()});
    ASSERT_TRUE(eater) << eater.error().message;
    EXPECT_EQ(eater->wait().value_or(-1), SIGKILL);
}

} // namespace
} // namespace knell::test

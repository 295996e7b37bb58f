#include "agent/pidfd/kill_on_close.hpp"

#include "agent/pidfd/descriptors.hpp"
#include "tests/pidfd/job.hpp"

#include <gtest/gtest.h>

#include <sys/syscall.h>

#include <array>
#include <optional>

namespace knell::test {
namespace {

const auto kAges = testing::Values(kNewest, kBeforeAutokill, kBeforeExitInfo, kBeforePidfs, kOldest);

INSTANTIATE_TEST_SUITE_P(Kernels, KillOnCloseTest, kAges, age_name);

// A job of shell commands, and the processes whose numbers they write, one per line. They live when this returns.
struct Family {
    KillOnClose job;
    std::vector<Pidfd> members;
};

Family start_family(const std::string& commands, std::size_t members, Scope scope) {
    Ends pipe = make_pipe();
    SpawnOptions options = program({"sh", "-c", commands});
    options.descriptors = {{.child_number = STDOUT_FILENO, .ours = pipe.second.get()}};
    Family family{value_of(KillOnClose::spawn(options, scope)), {}};
    pipe.second.reset();
    while (family.members.size() < members) {
        family.members.push_back(value_of(Pidfd::open(static_cast<pid_t>(std::stol(read_line(pipe.first))))));
    }
    return family;
}

TEST_P(KillOnCloseTest, TheLastCloseKills) {
    for (const Scope scope : kScopes) {
        auto job = std::make_optional(start_sleeping_job(scope));
        const Pidfd process = value_of(job->process().dup());
        EXPECT_TRUE(lives(process));
        job.reset();
        EXPECT_TRUE(dies(process));
    }
}

TEST_P(KillOnCloseTest, ADuplicateKeepsIt) {
    for (const Scope scope : kScopes) {
        auto job = start_sleeping_job(scope);
        Fd copy(::fcntl(job.handle().get(), F_DUPFD_CLOEXEC, 0));
        std::move(job).release_handle().reset();
        EXPECT_TRUE(lives(job.process()));
        copy.reset();
        EXPECT_TRUE(dies(job.process()));
    }
}

TEST_P(KillOnCloseTest, AnotherPidfdOfItMeansNothing) {
    auto job = start_sleeping_job();
    std::optional other = value_of(Pidfd::open(number_of(job.process())));
    other.reset();
    EXPECT_TRUE(lives(job.process()));
    other = value_of(Pidfd::open(number_of(job.process())));
    std::move(job).release_handle().reset();
    EXPECT_TRUE(dies(*other));
}

TEST_P(KillOnCloseTest, DiesWithItsHolder) {
    for (const Scope scope : kScopes) {
        const Child holder([scope](const Line& line) {
            const auto job = start_sleeping_job(scope);
            line.tell(number_of(job.process()));
            return sleep_for_ever(line);
        });
        const Pidfd process = value_of(Pidfd::open(static_cast<pid_t>(holder.line().hear())));
        EXPECT_TRUE(lives(process));
        holder.kill(SIGKILL);
        EXPECT_TRUE(dies(process));
    }
}

TEST_P(KillOnCloseTest, ThePassedHandleKeepsIt) {
    for (const bool killed : {false, true}) {
        const Ends sockets = make_sockets(SOCK_SEQPACKET);
        const Child first([&](const Line&) {
            const auto job = start_sleeping_job();
            (void)send_descriptors(sockets.first, "job", std::array{job.process().fd(), job.handle().get()});
            return killed ? ::pause() : 0;
        });
        auto received = value_of(receive_descriptors(sockets.second));
        ASSERT_EQ(received.descriptors.size(), 2U);
        const Pidfd process = value_of(Pidfd::adopt(std::move(received.descriptors[0])));
        if (killed) {
            first.kill(SIGKILL);
        }
        first.await_death();
        EXPECT_TRUE(lives(process));
        received.descriptors[1].reset();
        EXPECT_TRUE(dies(process));
    }
}

TEST_P(KillOnCloseTest, AHandleOnItsWayKeepsIt) {
    Ends sockets = make_sockets(SOCK_SEQPACKET);
    std::optional<Pidfd> process;
    {
        const auto job = start_sleeping_job();
        process = value_of(job.process().dup());
        ASSERT_TRUE(send_descriptors(sockets.first, "job", std::array{job.handle().get()}));
    }
    EXPECT_TRUE(lives(*process));
    sockets.second.reset(); // nobody will ever receive it
    EXPECT_TRUE(dies(*process));
}

TEST_P(KillOnCloseTest, WhatTheProcessForkedLivesOn) {
    auto [job, members] = start_family("sleep 600 & echo $!; wait", 1, Scope::process);
    std::move(job).release_handle().reset();
    EXPECT_TRUE(dies(job.process()));
    EXPECT_TRUE(lives(members[0]));
    ASSERT_TRUE(members[0].send_signal(SIGKILL));
}

TEST_P(KillOnCloseTest, DescendantsDieWhereverTheyWent) {
    const char* child = "sleep 600 & echo $!;";
    const char* session = "setsid sleep 600 & echo $!;";
    const char* orphan = "(setsid sh -c 'sleep 600 & echo $!; exec setsid sleep 600 & echo $!');";
    const char* orphan_of_an_orphan = "sh -c 'sh -c \"setsid sleep 600 & echo \\$!\" & wait';";
    const char* stopped = "sh -c 'echo $$; kill -STOP $$' &";
    const char* stubborn = "(trap '' TERM HUP INT; exec sleep 600) & echo $!;";
    auto [job, members] = start_family(std::string(child) + session + orphan + orphan_of_an_orphan + stopped +
                                           stubborn + "exec sleep 600",
                                       7, Scope::descendants);
    for (const Pidfd& member : members) {
        EXPECT_EQ(value_of(member.poll(ProcessState::zombie, 0)), ProcessState::running);
    }
    std::move(job).release_handle().reset();
    EXPECT_TRUE(dies(job.process()));
    for (const Pidfd& member : members) {
        EXPECT_TRUE(dies(member));
    }
}

TEST_P(KillOnCloseTest, ACrowdOfDescendantsDies) {
    auto [job, members] = start_family(die_path() + " crowd 300 >/dev/null & echo $!; wait", 1, Scope::descendants);
    std::move(job).release_handle().reset();
    EXPECT_TRUE(dies(members[0]));
}

// Each process of the chain has gone when the next one is there, and another has taken its place.
TEST_P(KillOnCloseTest, DescendantsThatForkAllTheTimeDie) {
    auto [job, members] =
        start_family("run() { echo $$; while :; do (sh -c : & sh -c : &); done; }; run", 1, Scope::descendants);
    std::move(job).release_handle().reset();
    EXPECT_TRUE(dies(members[0]));
}

TEST_P(KillOnCloseTest, DescendantsOutliveTheProcessButNotTheHandle) {
    auto [job, members] = start_family("setsid sleep 600 & echo $!; exit 4", 1, Scope::descendants);
    EXPECT_EQ(WEXITSTATUS(value_of(job.wait(kPatienceNs)).value()), 4);
    EXPECT_TRUE(lives(members[0]));
    std::move(job).release_handle().reset();
    EXPECT_TRUE(dies(members[0]));
}

TEST_P(KillOnCloseTest, TheEndOfTheProcessIsTheEndOfTheGuard) {
    struct Row {
        std::vector<std::string> way;
        int status;
    };
    for (const Scope scope : kScopes) {
        for (const Row& row : {Row{{"exit", "0"}, 0}, Row{{"exit", "3"}, 3 << 8}, Row{{"kill-self", "9"}, SIGKILL}}) {
            const auto job = start_job({die_path(), row.way[0], row.way[1]}, scope);
            EXPECT_EQ(value_of(job.wait(kPatienceNs)), row.status);
            EXPECT_NE(await_events(job.handle(), 0) & POLLHUP, 0);
            EXPECT_TRUE(Orphanage::empties()) << "the handle is still open, and there is nothing left to guard";
            EXPECT_EQ(value_of(job.wait(0)), row.status) << "when it was reaped and the guard is gone";
        }
    }
}

TEST_P(KillOnCloseTest, WaitIsPatientButNotForEver) {
    const auto job = start_sleeping_job();
    EXPECT_EQ(value_of(job.wait(0)), std::nullopt);
    EXPECT_EQ(value_of(job.wait(kMillisecond)), std::nullopt);
    ASSERT_TRUE(job.process().send_signal(SIGKILL));
    EXPECT_EQ(value_of(job.wait()), SIGKILL);
}

TEST_P(KillOnCloseTest, WaitWithoutTheHandle) {
    auto job = start_sleeping_job();
    const Fd handle = std::move(job).release_handle();
    EXPECT_EQ(value_of(job.wait(0)), std::nullopt);
    ASSERT_TRUE(job.process().send_signal(SIGKILL));
    EXPECT_NE(await_events(handle, 0) & POLLHUP, 0); // the guard has reaped it
    const auto status = job.wait(kPatienceNs);
    if (available(PidfdFeature::exit_info)) {
        EXPECT_EQ(value_of(status), SIGKILL);
    } else {
        EXPECT_EQ(status.error().errno_value, ECHILD);
    }
}

TEST_P(KillOnCloseTest, FailuresAreThoseOfSpawnAndLeaveNothing) {
    struct Row {
        SpawnOptions options;
        int errno_value;
        const char* mentions;
    };
    SpawnOptions no_directory = program({"true"});
    no_directory.working_directory = "/nonexistent";
    SpawnOptions no_cgroup = program({"true"});
    no_cgroup.cgroup = STDERR_FILENO;
    for (const Scope scope : kScopes) {
        for (const Row& row :
             {Row{program({"/nonexistent/tool"}), ENOENT, "/nonexistent/tool"}, Row{program({}), EINVAL, "argv"},
              Row{no_directory, ENOENT, "entering '/nonexistent'"}, Row{no_cgroup, EBADF, "cgroup"}}) {
            const auto before = count_descriptors();
            const auto refused = KillOnClose::spawn(row.options, scope);
            ASSERT_FALSE(refused);
            EXPECT_EQ(refused.error().errno_value, row.errno_value) << refused.error().message;
            EXPECT_NE(refused.error().message.find(row.mentions), std::string::npos) << refused.error().message;
            EXPECT_EQ(count_descriptors(), before);
            EXPECT_TRUE(Orphanage::empties()) << row.mentions;
        }
    }
}

TEST_P(KillOnCloseTest, TheProgramHasTheSurroundingsOfItsCaller) {
    const auto job = start_sleeping_job();
    EXPECT_EQ(::getsid(number_of(job.process())), ::getsid(0));
    EXPECT_EQ(::getpgid(number_of(job.process())), ::getpgid(0));

    SpawnOptions options = program({"sh", "-c", "pwd; echo $VARIABLE"});
    Ends pipe = make_pipe();
    options.environment = {"VARIABLE=value"};
    options.working_directory = "/usr";
    options.descriptors = {{.child_number = STDOUT_FILENO, .ours = pipe.second.get()}};
    const auto other = value_of(KillOnClose::spawn(options));
    pipe.second.reset();
    EXPECT_EQ(read_rest(pipe.first), "/usr\nvalue\n");
    EXPECT_EQ(value_of(other.wait(kPatienceNs)), 0);
}

TEST_P(KillOnCloseTest, ACallerWhoseChildrenTheKernelReaps) {
    const Child caller([](const Line&) {
        ::signal(SIGCHLD, SIG_IGN);
        const auto ended = start_job({die_path(), "exit", "7"});
        EXPECT_EQ(value_of(ended.wait(kPatienceNs)), 7 << 8);
        const auto job = start_sleeping_job();
        await_sleep(job.process());
        EXPECT_EQ(signals_in(job.process(), "SigIgn") & bit_of(SIGCHLD), bit_of(SIGCHLD)) << "it inherits that";
        return testing::Test::HasFailure() ? 1 : 0;
    });
    EXPECT_EQ(caller.reap(), 0);
}

TEST_P(KillOnCloseTest, NobodyWhoWaitsForAllChildrenSeesIt) {
    const Child caller([](const Line&) { // no subreaper, as most are
        const auto job = start_sleeping_job(Scope::descendants);
        EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG | __WALL), -1);
        EXPECT_EQ(errno, ECHILD);
        return testing::Test::HasFailure() ? 1 : 0;
    });
    EXPECT_EQ(caller.reap(), 0);
}

TEST_P(KillOnCloseTest, ManyDescriptorsAreNoTrouble) {
    const DescriptorLimit limit(50'000);
    const auto fillers = fill_descriptors(10);
    for (const bool refused : {false, true}) {
        const Child caller([refused](const Line&) {
            if (refused) {
                refuse_system_calls({SYS_close_range});
            }
            for (const Scope scope : kScopes) {
                const auto job = start_sleeping_job(scope);
                EXPECT_TRUE(job.process().send_signal(SIGKILL));
                EXPECT_EQ(value_of(job.wait(kPatienceNs)), SIGKILL);
            }
            return testing::Test::HasFailure() ? 1 : 0;
        });
        EXPECT_EQ(caller.reap(), 0);
    }
}

TEST_P(KillOnCloseTest, WithoutRoomItFailsAndLeavesNothing) {
    const DescriptorLimit limit(256);
    bool started = false;
    for (std::size_t room = 0; !started; ++room) {
        ASSERT_LT(room, 10U);
        auto fillers = fill_descriptors(room);
        const auto job = KillOnClose::spawn(program({"sleep", "600"}));
        started = job.has_value();
        if (!started) {
            EXPECT_EQ(fill_descriptors(0).size(), room) << job.error().message;
            fillers.clear();
            EXPECT_TRUE(Orphanage::empties());
        }
    }
}

TEST_P(KillOnCloseTest, WithoutClone3) {
    const Child caller([](const Line&) {
        refuse_system_calls({SYS_clone3, SYS_close_range});
        const auto job = start_job({die_path(), "exit", "6"}, Scope::descendants);
        return value_of(job.wait(kPatienceNs)) == 6 << 8 ? 0 : 1;
    });
    EXPECT_EQ(caller.reap(), 0);
}

} // namespace
} // namespace knell::test

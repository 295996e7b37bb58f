#include "agent/pidfd/spawn.hpp"

#include "agent/base/file.hpp"
#include "agent/pidfd/problem.hpp"
#include "tests/pidfd/making.hpp"
#include "tests/support/cgroup.hpp"
#include "tests/support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <sys/stat.h>
#include <sys/syscall.h>

#include <cstdlib>
#include <fstream>
#include <thread>

namespace knell::test {
namespace {

// What the program writes to its standard output, and that it succeeds.
std::string output_of(SpawnOptions options) {
    Ends pipe = make_pipe();
    options.descriptors.push_back({.child_number = STDOUT_FILENO, .ours = pipe.second.get()});
    const Pidfd process = value_of(Pidfd::spawn(options));
    pipe.second.reset();
    std::string output = read_rest(pipe.first);
    EXPECT_EQ(value_of(process.wait(kPatienceNs)), 0);
    return output;
}

// $PATH for as long as it lives.
class Path {
  public:
    explicit Path(const std::string& value) : before_(std::getenv("PATH")) { ::setenv("PATH", value.c_str(), 1); }
    Path(const Path&) = delete;
    Path& operator=(const Path&) = delete;
    ~Path() { ::setenv("PATH", before_.c_str(), 1); }

  private:
    std::string before_;
};

std::string make_script(const std::filesystem::path& path, const std::string& text, mode_t mode) {
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
    return path;
}

TEST_F(Spawn, ArgumentsArriveAsTheyAre) {
    SpawnOptions options;
    options.argv = {"/usr/bin/printf", "[%s]", "a b", "", "$HOME", "\xff\n"};
    EXPECT_EQ(output_of(options), "[a b][][$HOME][\xff\n]");
}

TEST_F(Spawn, TheEnvironmentIsOursUnlessGiven) {
    ::setenv("KNELL_TEST_VARIABLE", "ours", 1);
    SpawnOptions options;
    options.argv = {"sh", "-c", "echo \"$KNELL_TEST_VARIABLE\""};
    EXPECT_EQ(output_of(options), "ours\n");
    options.argv = {"env"};
    options.environment = {"A=1", "B= 2"};
    EXPECT_EQ(output_of(options), "A=1\nB= 2\n");
    options.environment.emplace();
    EXPECT_EQ(output_of(options), "");
}

TEST_F(Spawn, TheWorkingDirectoryComesFirst) {
    const TempDir directory = value_of(TempDir::create());
    (void)make_script(directory.path() / "here", "#!/bin/sh\npwd -P\n", 0755);
    SpawnOptions options;
    options.argv = {"./here"};
    options.working_directory = directory.path();
    EXPECT_EQ(output_of(options), std::filesystem::canonical(directory.path()).string() + "\n");
}

TEST_F(Spawn, LooksThroughPathAsExecvpDoes) {
    const TempDir directory = value_of(TempDir::create());
    for (const char* name : {"first", "second"}) {
        std::filesystem::create_directory(directory.path() / name);
    }
    const std::string root = directory.path();
    (void)make_script(directory.path() / "first" / "tool", "#!/bin/sh\necho first\n", 0644);
    (void)make_script(directory.path() / "second" / "tool", "#!/bin/sh\necho second\n", 0755);
    SpawnOptions options;
    options.argv = {"tool"};
    {
        const Path path("/nonexistent:" + root + "/first:" + root + "/second");
        EXPECT_EQ(output_of(options), "second\n") << "what may not be executed is passed over";
    }
    {
        const Path path(root + "/first:/nonexistent");
        const auto refused = Pidfd::spawn(options);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().errno_value, EACCES) << "but it is what stood in the way";
        EXPECT_NE(refused.error().message.find(root + "/first/tool"), std::string::npos) << refused.error().message;
    }
    {
        const Path path("/nonexistent:");
        options.working_directory = root + "/second";
        EXPECT_EQ(output_of(options), "second\n") << "an empty part is the working directory";
    }
}

TEST_F(Spawn, FailuresTellTheStepAndTheFile) {
    struct Row {
        const char* name;
        void (*change)(SpawnOptions&);
        int errno_value;
        const char* mentions;
    };
    const Row rows[] = {
        {"no file", [](SpawnOptions& o) { o.argv = {"/nonexistent/tool"}; }, ENOENT, "/nonexistent/tool"},
        {"not in PATH", [](SpawnOptions& o) { o.argv = {"knell-no-such-tool"}; }, ENOENT, "PATH"},
        {"no name", [](SpawnOptions& o) { o.argv = {""}; }, ENOENT, "no such file"},
        {"a directory", [](SpawnOptions& o) { o.argv = {"/"}; }, EACCES, "starting '/': Permission denied"},
        {"no program", [](SpawnOptions& o) { o.argv = {"/etc/passwd"}; }, EACCES, "/etc/passwd"},
        {"no argv", [](SpawnOptions& o) { o.argv = {}; }, EINVAL, "argv"},
        {"NUL", [](SpawnOptions& o) { o.argv.emplace_back("a\0b", 3); }, EINVAL, "NUL"},
        {"NUL in the environment", [](SpawnOptions& o) { o.environment = {std::string("A=\0", 3)}; }, EINVAL, "NUL"},
        {"no directory", [](SpawnOptions& o) { o.working_directory = "/nonexistent"; }, ENOENT,
         "entering '/nonexistent'"},
        {"not open", [](SpawnOptions& o) { o.descriptors = {{3, 9999}}; }, EBADF, "9999"},
        {"negative", [](SpawnOptions& o) { o.descriptors = {{-3, 0}}; }, EINVAL, "-3"},
        {"promised twice", [](SpawnOptions& o) { o.descriptors = {{5, 0}, {5, 1}}; }, EINVAL, "another"},
        {"too high", [](SpawnOptions& o) { o.descriptors = {{4, 0}, {2'000'000'000, 2}}; }, EBADF,
         "making descriptor 2 its descriptor 2000000000"},
        {"no cgroup", [](SpawnOptions& o) { o.cgroup = 2; }, EBADF, "cgroup"},
    };
    for (const Row& row : rows) {
        SpawnOptions options = sleeper();
        row.change(options);
        const auto before = count_descriptors();
        const auto refused = Pidfd::spawn(options);
        ASSERT_FALSE(refused) << row.name;
        EXPECT_EQ(refused.error().errno_value, row.errno_value) << row.name << ": " << refused.error().message;
        EXPECT_NE(refused.error().message.find(row.mentions), std::string::npos) << refused.error().message;
        EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG | __WALL), -1) << row.name << ": a child was left";
        EXPECT_EQ(count_descriptors(), before) << row.name;
    }
}

TEST_F(Spawn, ATextIsNoProgram) {
    const TempDir directory = value_of(TempDir::create());
    SpawnOptions options;
    options.argv = {make_script(directory.path() / "text", "echo from a shell\n", 0755)};
    EXPECT_EQ(Pidfd::spawn(options).error().errno_value, ENOEXEC);
    options.argv = {make_script(directory.path() / "script", "#!/nonexistent/interpreter\n", 0755)};
    const auto refused = Pidfd::spawn(options);
    EXPECT_EQ(refused.error().errno_value, ENOENT);
    EXPECT_NE(refused.error().message.find("interpreter"), std::string::npos) << refused.error().message;
}

TEST_F(Spawn, TheChildIsOursToWaitFor) {
    SpawnOptions options;
    options.argv = {die_path(), "exit", "3"};
    const Pidfd process = value_of(Pidfd::spawn(options));
    EXPECT_EQ(WEXITSTATUS(value_of(process.wait(kPatienceNs)).value()), 3);
    const Pidfd living = value_of(Pidfd::spawn(sleeper()));
    EXPECT_EQ(value_of(living.info()).ppid, static_cast<std::uint32_t>(::getpid()));
    EXPECT_EQ(::fcntl(living.fd(), F_GETFD), FD_CLOEXEC);
    end(living);
}

TEST_F(Spawn, HandlersAreResetWhatIsIgnoredStaysIgnored) {
    struct sigaction handler{};
    struct sigaction ignore{};
    struct sigaction old_handler{};
    struct sigaction old_ignore{};
    handler.sa_handler = [](int) {};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGUSR1, &handler, &old_handler);
    ::sigaction(SIGUSR2, &ignore, &old_ignore);
    const Pidfd process = start_sleeping(sleeper());
    ::sigaction(SIGUSR1, &old_handler, nullptr);
    ::sigaction(SIGUSR2, &old_ignore, nullptr);

    EXPECT_EQ(signals_in(process, "SigCgt"), 0U);
    EXPECT_EQ(signals_in(process, "SigIgn") & bit_of(SIGUSR2), bit_of(SIGUSR2));
    EXPECT_EQ(signals_in(process, "SigIgn") & bit_of(SIGUSR1), 0U);
    end(process);
}

TEST_F(Spawn, TheMaskIsOursUnlessGiven) {
    sigset_t usr1{};
    ::sigemptyset(&usr1);
    ::sigaddset(&usr1, SIGUSR1);
    sigset_t before{};
    ::pthread_sigmask(SIG_BLOCK, &usr1, &before);
    const Pidfd inherits = start_sleeping(sleeper());
    SpawnOptions options = sleeper();
    ::sigemptyset(&options.signal_mask.emplace());
    ::sigaddset(&*options.signal_mask, SIGUSR2);
    const Pidfd given = start_sleeping(options);
    sigset_t now{};
    ::pthread_sigmask(SIG_SETMASK, &before, &now);

    EXPECT_EQ(signals_in(inherits, "SigBlk") & (bit_of(SIGUSR1) | bit_of(SIGTERM)), bit_of(SIGUSR1));
    EXPECT_EQ(signals_in(given, "SigBlk"), bit_of(SIGUSR2));
    EXPECT_EQ(::sigismember(&now, SIGUSR1), 1) << "ours is as it was";
    EXPECT_EQ(::sigismember(&now, SIGTERM), ::sigismember(&before, SIGTERM));
    end(inherits);
    end(given);
}

TEST_F(Spawn, SessionsAndGroups) {
    struct Row {
        bool new_session;
        bool new_group;
    };
    for (const Row& row : {Row{false, false}, Row{false, true}, Row{true, false}, Row{true, true}}) {
        SpawnOptions options = sleeper();
        options.new_session = row.new_session;
        options.new_process_group = row.new_group;
        const Pidfd process = value_of(Pidfd::spawn(options));
        const pid_t pid = number_of(process);
        EXPECT_EQ(::getsid(pid), row.new_session ? pid : ::getsid(0));
        EXPECT_EQ(::getpgid(pid), row.new_session || row.new_group ? pid : ::getpgid(0));
        end(process);
    }
}

TEST_F(Spawn, IsBornInACgroup) {
    const TestCgroup group = value_of(TestCgroup::unified());
    const Fd directory(::open(group.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    SpawnOptions options = sleeper();
    options.cgroup = directory.get();
    const Pidfd process = value_of(Pidfd::spawn(options));
    EXPECT_EQ(value_of(read_small_file(AT_FDCWD, group.procs_path().c_str(), 64)),
              std::to_string(number_of(process)) + "\n");
    end(process);

    Child refused([&](const Line&) {
        refuse_system_calls({SYS_clone3});
        const auto failed = Pidfd::spawn(options);
        return !failed && problem_of(failed.error()) == Problem::kernel_too_old ? 0 : 1;
    });
    EXPECT_EQ(refused.reap(), 0) << "only clone3 knows cgroups";
}

TEST_F(Spawn, WithoutClone3) {
    Child child([](const Line&) {
        refuse_system_calls({SYS_clone3, SYS_close_range});
        SpawnOptions options;
        options.argv = {die_path(), "exit", "5"};
        const Pidfd process = value_of(Pidfd::spawn(options));
        EXPECT_EQ(WEXITSTATUS(value_of(process.wait(kPatienceNs)).value()), 5);
        options.argv = {"/nonexistent/tool"};
        EXPECT_EQ(Pidfd::spawn(options).error().errno_value, ENOENT);
        return testing::Test::HasFailure() ? 1 : 0;
    });
    EXPECT_EQ(child.reap(), 0);
}

TEST_F(Spawn, AFailureIsToldAlthoughTheKernelReaps) {
    struct sigaction ignore{};
    struct sigaction before{};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGCHLD, &ignore, &before);
    SpawnOptions options;
    options.argv = {"/nonexistent/tool"};
    const auto refused = Pidfd::spawn(options);
    ::sigaction(SIGCHLD, &before, nullptr);
    EXPECT_EQ(refused.error().errno_value, ENOENT);
}

// The writer of a child that was forked without exec stays open: nobody may wait for the end of that pipe.
TEST_F(Spawn, OthersWhoForkCannotHoldItUp) {
    const Ends gate = make_pipe();
    std::vector<pid_t> forked;
    std::jthread forker([&] {
        for (int i = 0; i < 100; ++i) {
            const pid_t child = ::fork();
            if (child == 0) {
                char byte = 0;
                ::close(gate.second.get());
                (void)!::read(gate.first.get(), &byte, 1);
                ::_exit(0);
            }
            forked.push_back(child);
        }
    });
    for (int i = 0; i < 50; ++i) {
        SpawnOptions options;
        options.argv = {die_path(), "exit", "0"};
        EXPECT_EQ(value_of(value_of(Pidfd::spawn(options)).wait(kPatienceNs)), 0);
    }
    forker.join();
    for (const pid_t child : forked) {
        ::kill(child, SIGKILL);
    }
}

} // namespace
} // namespace knell::test

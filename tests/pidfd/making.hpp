#pragma once

#include "agent/base/fd.hpp"
#include "agent/base/file.hpp"
#include "agent/pidfd/info.hpp"
#include "agent/pidfd/pidfd.hpp"
#include "agent/pidfd/procfd.hpp"
#include "agent/pidfd/spawn.hpp"
#include "tests/pidfd/child.hpp"
#include "tests/support/children.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

// What tests of making processes and descriptors share. What cannot be had ends the test by an exception.
namespace knell::test {

struct Ends {
    Fd first;  // of a pipe: the reader
    Fd second; // the writer
};

inline Ends make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        throw std::runtime_error("pipe2");
    }
    return {Fd(ends[0]), Fd(ends[1])};
}

inline Ends make_sockets(int type) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        throw std::runtime_error("socketpair");
    }
    return {Fd(ends[0]), Fd(ends[1])};
}

// poll() with patience: what happened to the descriptor.
inline short await_events(const Fd& fd, short events) {
    pollfd entry{.fd = fd.get(), .events = events, .revents = 0};
    if (::poll(&entry, 1, static_cast<int>(kPatience.count())) != 1) {
        throw std::runtime_error("nothing happened to a descriptor");
    }
    return entry.revents;
}

// Up to the next newline, or to the end.
inline std::string read_line(const Fd& fd) {
    std::string line;
    for (char c = 0;;) {
        (void)await_events(fd, POLLIN);
        if (::read(fd.get(), &c, 1) != 1 || c == '\n') {
            return line;
        }
        line += c;
    }
}

inline std::string read_rest(const Fd& fd) {
    std::string text;
    for (char c = 0;;) {
        (void)await_events(fd, POLLIN);
        if (::read(fd.get(), &c, 1) != 1) {
            return text;
        }
        text += c;
    }
}

inline std::ptrdiff_t count_descriptors() {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
}

inline bool is_open(int number) {
    return ::fcntl(number, F_GETFD) >= 0;
}

// RLIMIT_NOFILE for as long as it lives.
class DescriptorLimit {
  public:
    explicit DescriptorLimit(rlim_t soft) {
        if (::getrlimit(RLIMIT_NOFILE, &before_) != 0) {
            throw std::runtime_error("getrlimit");
        }
        const rlimit wanted{.rlim_cur = std::min(soft, before_.rlim_max), .rlim_max = before_.rlim_max};
        if (::setrlimit(RLIMIT_NOFILE, &wanted) != 0) {
            throw std::runtime_error("setrlimit");
        }
    }
    DescriptorLimit(const DescriptorLimit&) = delete;
    DescriptorLimit& operator=(const DescriptorLimit&) = delete;
    ~DescriptorLimit() { (void)::setrlimit(RLIMIT_NOFILE, &before_); }

  private:
    rlimit before_{};
};

// All descriptor numbers but `spare`. To be used under a DescriptorLimit.
inline std::vector<Fd> fill_descriptors(std::size_t spare) {
    std::vector<Fd> fillers;
    while (Fd filler{::fcntl(STDERR_FILENO, F_DUPFD, 0)}) { // inheritable, as careless programs have them
        fillers.push_back(std::move(filler));
    }
    fillers.resize(fillers.size() - std::min(spare, fillers.size()));
    return fillers;
}

// From now on, for good, these system calls answer ENOSYS in the calling process.
inline void refuse_system_calls(const std::vector<long>& numbers) {
    std::vector<sock_filter> filter{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
    for (const long number : numbers) {
        filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(number), 0, 1));
        filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS));
    }
    filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    sock_fprog program{.len = static_cast<unsigned short>(filter.size()), .filter = filter.data()};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        throw std::runtime_error("seccomp");
    }
}

inline pid_t number_of(const Pidfd& process) {
    return static_cast<pid_t>(value_of(process.info()).pid.value());
}

inline void end(const Pidfd& process) {
    ASSERT_TRUE(process.send_signal(SIGKILL));
    EXPECT_EQ(WTERMSIG(value_of(process.wait(kPatienceNs)).value()), SIGKILL);
}

inline SpawnOptions sleeper() {
    SpawnOptions options;
    options.argv = {"sleep", "600"};
    return options;
}

// Returns when the program waits to be killed. Until then its exec may not have closed and reset all that it does: we
// go on as soon as it has a memory of its own (fs/exec.c, begin_new_exec).
inline void await_sleep(const Pidfd& process) {
    await_thread_state(number_of(process), number_of(process), 'S');
}

inline Pidfd start_sleeping(const SpawnOptions& options) {
    Pidfd process = value_of(Pidfd::spawn(options));
    await_sleep(process);
    return process;
}

// A line of /proc/PID/status: "SigBlk", "SigIgn", "SigCgt".
inline std::uint64_t signals_in(const Pidfd& process, const std::string& field) {
    const std::string status =
        value_of(read_small_file(value_of(procfd::open(process)).get(), "status", std::size_t{1} << 20));
    return std::stoull(status.substr(status.find(field + ":") + field.size() + 1), nullptr, 16);
}

inline std::uint64_t bit_of(int signal) {
    return std::uint64_t{1} << (signal - 1);
}

// Orphans of our children become ours, so that nothing a test has started can leave unseen.
class Orphanage {
  public:
    Orphanage() { ::prctl(PR_SET_CHILD_SUBREAPER, 1); }
    Orphanage(const Orphanage&) = delete;
    Orphanage& operator=(const Orphanage&) = delete;
    ~Orphanage() { ::prctl(PR_SET_CHILD_SUBREAPER, 0); }

    // Reaps until no child is left, dead or alive. False: one was still there when the patience ended.
    static bool empties() {
        sigset_t ended{};
        sigset_t before{};
        ::sigemptyset(&ended);
        ::sigaddset(&ended, SIGCHLD);
        ::sigprocmask(SIG_BLOCK, &ended, &before);
        const auto deadline = std::chrono::steady_clock::now() + kPatience;
        pid_t reaped = 0;
        while ((reaped = ::waitpid(-1, nullptr, WNOHANG | __WALL)) >= 0 &&
               std::chrono::steady_clock::now() < deadline) {
            if (reaped == 0) {
                const timespec a_second{.tv_sec = 1, .tv_nsec = 0};
                (void)::sigtimedwait(&ended, nullptr, &a_second);
            }
        }
        const bool none = reaped < 0 && errno == ECHILD;
        ::sigprocmask(SIG_SETMASK, &before, nullptr);
        return none;
    }
};

// Tests after which no child is left.
class Spawn : public testing::Test {
  protected:
    void TearDown() override { EXPECT_TRUE(Orphanage::empties()) << "a child was left behind"; }
};

} // namespace knell::test

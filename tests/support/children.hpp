#pragma once

#include "agent/pidfd/pidfd.hpp"
#include "tests/support/process.hpp"

#include <poll.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

// Children for tests of what watches processes. What cannot be had ends the test by an exception.
namespace knell::test {

template <typename T>
T value_of(Result<T> result) {
    if (!result) {
        throw std::runtime_error(result.error().message);
    }
    return std::move(*result);
}

// A child that dies in one of the ways of tests/support/die.c.
inline Process start_die(std::vector<std::string> way) {
    way.insert(way.begin(), die_path());
    return value_of(Process::start(way));
}

// A child that waits to be killed.
inline Process start_sleeper() {
    return start_die({"sleep"});
}

// Returns when the child is dead; it stays a zombie.
inline void await_zombie(pid_t child) {
    siginfo_t info{};
    while (::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT) != 0) {
        if (errno != EINTR) {
            throw std::runtime_error("waitid " + std::to_string(child));
        }
    }
}

// A child that was killed and not reaped.
inline Process start_zombie() {
    Process child = start_sleeper();
    (void)value_of(Pidfd::open(child.pid())).send_signal(SIGKILL);
    await_zombie(child.pid());
    return child;
}

// Returns when somebody has reaped the process. Linux >= 6.9.
inline void await_reap(const Pidfd& pidfd) {
    pollfd poll{.fd = pidfd.fd(), .events = 0, .revents = 0};
    if (::poll(&poll, 1, static_cast<int>(kPatience.count())) != 1) {
        throw std::runtime_error("a process was not reaped");
    }
}

} // namespace knell::test

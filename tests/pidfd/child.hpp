#pragma once

#include "agent/base/fd.hpp"
#include "agent/pidfd/pidfd.hpp"
#include "tests/support/process.hpp"

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

// Children that do what a test's own code says, for the states of processes that no program of tests/support shows.
namespace knell::test {

// One end of a line between a test and its child. What fails or takes longer than kPatience ends the test by an
// exception.
class Line {
  public:
    explicit Line(Fd socket) : socket_(std::move(socket)) {}

    void tell(std::int64_t word = 0) const;
    [[nodiscard]] std::int64_t hear() const;
    // Returns when the other end was closed: its process has ended, or executed another program.
    void await_end() const;

  private:
    Fd socket_;
};

// fork(): the child runs `body` and exits with what it returns (255: it threw). The destructor kills it, and reaps it
// unless somebody did. To be made by the main thread: the child dies with the thread that made it (PR_SET_PDEATHSIG).
class Child {
  public:
    explicit Child(const std::function<int(const Line&)>& body);
    Child(Child&&) = delete;
    Child& operator=(Child&&) = delete;
    ~Child();

    [[nodiscard]] pid_t pid() const { return pid_; }
    [[nodiscard]] Pidfd open() const;
    [[nodiscard]] const Line& line() const { return line_; }

    // By the raw calls: they are not what is tested.
    void kill(int signal) const;
    // Returns when it is a zombie.
    void await_death() const;
    // The wait status.
    [[nodiscard]] int reap() const;

  private:
    pid_t pid_ = -1;
    Fd pidfd_;
    Line line_;
};

// --- Bodies ---

// Becomes a program that dies in this way (tests/support/die.c); without its output.
int execute_die(const std::vector<std::string>& way);

// Waits to be killed.
int sleep_for_ever(const Line& line);

// Tells the number of a second thread. The first one leaves (SYS_exit) with `code`, the second at a word: with the same
// code, for whose is the process's depends on the kernel's age.
std::function<int(const Line&)> leave_leader_first(int code);

// Tells the number of a second thread, which at a word executes a program that waits to be killed. The first thread
// has left by then if `leader_leaves`, and is killed by the exec otherwise.
std::function<int(const Line&)> execute_in_thread(bool leader_leaves);

// --- Around them ---

// Returns when the thread's state (proc_pid_stat(5)) is this: 'S' asleep; 'Z' dead, as a first thread stays until the
// process has ended.
void await_thread_state(pid_t pid, pid_t tid, char state);

// What `question` answers (0 to 254) when a user without rights asks, in a child. Takes root.
int ask_as_nobody(const std::function<int()>& question);

// What `question` answers in a pid namespace of its own, below ours, with its own procfs at /proc. Takes root.
int ask_in_new_pid_namespace(const std::function<int()>& question);

pid_t own_tid();

// A thread of this process that does nothing, for as long as this lives.
class OtherThread {
  public:
    OtherThread();

    [[nodiscard]] pid_t tid() const { return tid_; }

  private:
    pid_t tid_ = 0;
    std::binary_semaphore known_{0};
    std::jthread thread_; // the last: it uses the others
};

inline constexpr Nanoseconds kPatienceNs = static_cast<Nanoseconds>(kPatience.count()) * kMillisecond;

// A number that no process has: one above the largest that the kernel hands out.
pid_t impossible_pid();

} // namespace knell::test

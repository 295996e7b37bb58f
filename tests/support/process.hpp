#pragma once

#include "agent/base/fd.hpp"
#include "agent/base/result.hpp"

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

namespace knell::test {

// Long enough for a loaded machine under a sanitizer: only a broken test waits for so long.
inline constexpr std::chrono::milliseconds kPatience{30'000};

// Path of the program that dies in named ways (tests/support/die.c).
std::string die_path();

struct ProcessOptions {
    std::string cgroup_procs{};      // a cgroup.procs file: the process enters before it executes the program
    std::string born_in{};           // a cgroup v2 directory: the process is never anywhere else
    bool errors_with_output = false; // standard error goes to the same pipe as standard output
    bool own_group = false;          // leads a process group of its own
};

// A child process with its standard output on a pipe. The destructor kills and reaps it, so that a failed test leaves
// nothing behind; processes that it forked are its own affair. One thread at a time.
class Process {
  public:
    // `argv[0]` is looked up in PATH. Fails if it could not be executed.
    static Result<Process> start(const std::vector<std::string>& argv, const ProcessOptions& options = {});
    Process(Process&& other) noexcept;
    Process& operator=(Process&&) = delete;
    ~Process();

    [[nodiscard]] pid_t pid() const { return pid_; }

    // The next line without its newline; the rest before the end counts as a line. Fails with ENODATA at the end and
    // with ETIMEDOUT after `patience`.
    Result<std::string> read_line(std::chrono::milliseconds patience = kPatience);
    // Skips lines up to "<word> ..." and returns what follows the word and its blank.
    Result<std::string> read_after(const std::string& word, std::chrono::milliseconds patience = kPatience);
    // What is left until every holder of the pipe has closed it.
    Result<std::string> read_rest(std::chrono::milliseconds patience = kPatience);

    // Safe from recycled pids: a child stays a zombie until wait().
    [[nodiscard]] Result<> kill(int signal) const;
    // Reaps; the wait status. A second call returns it again. ETIMEDOUT after `patience`.
    Result<int> wait(std::chrono::milliseconds patience = kPatience);

  private:
    Process(pid_t pid, Fd output) : pid_(pid), output_(std::move(output)) {}
    Result<bool> read_more(std::chrono::steady_clock::time_point deadline);

    pid_t pid_ = -1; // -1 = moved from
    Fd output_;
    std::string unread_;
    bool reaped_ = false;
    int status_ = 0;
};

// A pidfd, empty with errno set if there is no such process.
Fd open_pidfd(pid_t pid);

// Waits for a process to die that is the caller's child, also an adopted one (PR_SET_CHILD_SUBREAPER); reaps it. The
// wait status, or ETIMEDOUT.
Result<int> reap(pid_t child, std::chrono::milliseconds patience = kPatience);

// The decimal number that is the whole text.
Result<long> parse_number(const std::string& text);

} // namespace knell::test

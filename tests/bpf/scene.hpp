#pragma once

#include "agent/base/result.hpp"
#include "tests/support/cgroup.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

#include <sys/types.h>

#include <deque>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace knell::test {

// Who dies in a test, and what is true of it whatever it dies of.
struct Victim {
    pid_t pid = 0;
    pid_t ppid = 0;             // its parent when it ends
    pid_t helper = 0;           // another process that the killer may be; 0 = none
    Process* process = nullptr; // set: the scene started it
    bool adopted = false;       // a grandchild that falls to this process, its subreaper
    std::string comm = "die";
    std::string cgroup{}; // path in its hierarchy; empty = the one of this process
    uid_t uid = 0;

    // Whether it is this process that reaps it.
    [[nodiscard]] bool reapable() const { return process != nullptr || adopted; }
    // Reaps it: the wait status.
    [[nodiscard]] int reap() const;
};

// What a test cannot go on without: a failure ends it, with its message.
template <typename T>
T must(Result<T> result) {
    if (!result) {
        throw std::runtime_error(result.error().message);
    }
    if constexpr (!std::is_void_v<T>) {
        return std::move(*result);
    }
}

// Stages a death and holds what it needs until the test is over. This process is a subreaper meanwhile: orphans fall to
// it, wherever it runs. Failures are thrown, see must().
class Scene {
  public:
    Scene();
    Scene(const Scene&) = delete;
    Scene& operator=(const Scene&) = delete;
    ~Scene();

    // The `die` program.
    Process& start(const std::vector<std::string>& arguments, const ProcessOptions& options = {});
    // The same, once it said that it is ready.
    Process& start_ready(const std::vector<std::string>& arguments, const ProcessOptions& options = {});
    // The number of the next child that it tells of.
    static pid_t next_child(Process& process);

    TestCgroup& keep(Result<TestCgroup> group);
    TempDir& make_directory();

  private:
    std::deque<TestCgroup> groups_; // outlives its members
    std::deque<TempDir> directories_;
    std::deque<Process> processes_;
};

} // namespace knell::test

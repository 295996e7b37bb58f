#pragma once

#include "agent/base/result.hpp"
#include "tests/support/cgroup.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

#include <sys/types.h>

#include <deque>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace knell::test {

// A process that may be the killer, as an event should show it.
struct Sender {
    pid_t pid = 0; // 0 = none
    uid_t uid = 0;
    std::string comm = "die";
    std::string exe = "die"; // empty: it sends while it dies, when its memory is gone
};

// Who dies in a test, and what is true of it whatever it dies of.
struct Victim {
    // A child of this process.
    static Victim itself(Process& process);
    // A grandchild whose parent reaps it.
    static Victim child_of(pid_t parent, pid_t child);

    pid_t pid = 0;
    pid_t ppid = 0;             // its parent when it ends
    Sender helper{};            // another process that the killer may be
    Process* process = nullptr; // set: the scene started it
    bool adopted = false;       // not started by the scene, but this process reaps it
    std::string comm = "die";
    std::string cgroup{}; // path in its hierarchy; empty = the one of this process
    uid_t uid = 0;
    std::optional<int> told_status{}; // wait status as its parent, another process, told us

    // The wait status that its parent saw, where that is known: reaps it if the parent is this process.
    [[nodiscard]] std::optional<int> status() const;
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

// The path of a cgroup within its hierarchy.
std::string path_in_hierarchy(const TestCgroup& group);

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
    // A copy of it in a file of this name.
    Process& start_copy(const std::string& name, const std::vector<std::string>& arguments,
                        const ProcessOptions& options = {});
    // `die`, once it said that it is ready.
    Process& start_ready(const std::vector<std::string>& arguments, const ProcessOptions& options = {});
    // The number of the next child that it tells of.
    static pid_t next_child(Process& process);

    TestCgroup& keep(Result<TestCgroup> group);
    // A cgroup v2 with a path as Docker gives to the container of this id, for one that has 64 times this digit.
    TestCgroup& make_container(char digit);
    TempDir& make_directory();

  private:
    std::deque<TestCgroup> groups_; // outlives its members
    std::deque<TempDir> directories_;
    std::deque<Process> processes_;
};

} // namespace knell::test

#pragma once

#include "agent/base/result.hpp"

#include <sys/types.h>

#include <filesystem>

namespace knell::test {

// A child with a number of the caller's choice that sleeps until it is killed. The destructor kills and reaps it.
class NumberedChild {
  public:
    // Born in this directory of cgroup v2. Errors are those of clone_process().
    static Result<NumberedChild> start(pid_t pid, const std::filesystem::path& cgroup);
    NumberedChild(NumberedChild&& other) noexcept;
    NumberedChild& operator=(NumberedChild&&) = delete;
    ~NumberedChild() { kill_and_reap(); }

    [[nodiscard]] pid_t pid() const { return pid_; }
    void kill_and_reap();

  private:
    explicit NumberedChild(pid_t pid) : pid_(pid) {}

    pid_t pid_ = -1; // -1 = reaped, or moved from
};

} // namespace knell::test

#pragma once

#include "agent/base/fd.hpp"
#include "agent/base/result.hpp"

#include <sys/types.h>

#include <filesystem>

namespace knell::test {

// A child with a number of the caller's choice, as if the numbers had gone round: it sleeps until it is killed. Needs
// CAP_CHECKPOINT_RESTORE. The destructor kills and reaps it.
class NumberedChild {
  public:
    // `cgroup` is a directory of the v2 hierarchy. EEXIST: the number is in use, for as long as a zombie has it too.
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

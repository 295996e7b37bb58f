#pragma once

#include "agent/base/fd.hpp"

#include <functional>

// Checks that run in a child process, where they can have a /proc or a pid namespace of their own. Expectations that
// fail in there print as they do here, and fail the test. All take root.
namespace knell::test {

struct ProcMount {
    const char* options = ""; // of the procfs at /proc; nullptr: nothing is mounted there
    bool as_nobody = false;   // the check runs as a user without rights
};

// With a procfs of its own at /proc.
void check_with_proc(const ProcMount& mount, const std::function<void()>& check);

// In a pid namespace of its own below ours, with its own procfs at /proc. The check runs as the namespace's init: what
// it leaves behind dies with it.
void check_in_new_pid_namespace(const std::function<void()>& check);

// In an existing pid namespace below ours; /proc stays ours.
void check_inside(const Fd& pidns, const std::function<void()>& check);

} // namespace knell::test

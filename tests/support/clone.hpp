#pragma once

#include "agent/base/result.hpp"

#include <sys/types.h>

#include <string>

namespace knell::test {

struct CloneOptions {
    std::string cgroup{}; // a directory of cgroup v2 that the child is born in; empty = the caller's
    pid_t pid = 0;        // its number, as if the numbers had gone round to it (root only); 0 = any
};

// fork() with options: the child's number, or 0 in the child, which may only make system calls. EEXIST: the number is
// in use, as long as a zombie has it too.
Result<pid_t> clone_process(const CloneOptions& options);

} // namespace knell::test

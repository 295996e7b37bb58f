#pragma once

#include "agent/base/fd.hpp"

#include <sys/resource.h>

#include <csignal>
#include <optional>
#include <string>
#include <vector>

namespace knell {

// What Pidfd::spawn() and KillOnClose::spawn() start. Nothing is looked up in a shell.
struct SpawnOptions {
    // A number in the child, and which of our descriptors it becomes.
    struct Descriptor {
        int child_number = -1;
        int ours = -1; // not owned; need not be inheritable
    };

    std::vector<std::string> argv{};                       // argv[0] is found as by execvp(), in our PATH
    std::optional<std::vector<std::string>> environment{}; // "NAME=value"; absent: ours
    std::string working_directory{};                       // empty: ours. Relative argv[0] count from here
    std::vector<Descriptor> descriptors{};                 // besides these, and 0 to 2, the child keeps none of ours
    std::optional<sigset_t> signal_mask{};    // blocked in the child; absent: ours. Handlers become SIG_DFL
    std::optional<rlimit> descriptor_limit{}; // RLIMIT_NOFILE in the child; absent: ours
    bool new_session = false;                 // setsid()
    bool new_process_group = false;           // leads a group of its own
    int cgroup = -1; // a directory of cgroup v2 to be born in (CLONE_INTO_CGROUP, 5.7); not owned; -1: ours
};

} // namespace knell

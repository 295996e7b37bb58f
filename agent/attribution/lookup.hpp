#pragma once

#include <cstdint>
#include <string>

namespace knell {

// Why a process could not be given a place.
enum class Miss : std::uint8_t {
    none,
    cgroup_gone,       // the cgroup was removed before anybody asked for its path
    cgroup_unreadable, // the kernel refused to tell: a privilege or a resource is missing
    no_cgroup,         // nothing to look up: no id, or its hierarchy is not mounted
};

// The answer of one hierarchy, or of the host: a path, or why there is none.
struct Lookup {
    std::string path;
    Miss miss = Miss::none;
};

// True for a path other than "/".
bool below_root(const Lookup& lookup);

// Which hierarchy says where a process lives. On hybrid hosts the v2 tree may hold every process in its root while the
// v1 memory tree has the real structure: v2 is believed when it says something else than "/" (v1 need not be asked
// then). A miss in the tree that would decide is the answer; "/" is only given when that is where the process lived.
Lookup choose(Lookup v2, Lookup v1_memory);

} // namespace knell

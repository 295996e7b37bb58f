#pragma once

#include "agent/base/fd.hpp"
#include "agent/base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace knell {

// A cgroup hierarchy that is open for questions by id.
struct Mount {
    Fd directory;       // its mount point, O_RDONLY
    std::string link;   // what /proc/self/fd shows for it
    std::string root;   // the cgroup that is mounted there; "/" when the hierarchy is mounted as a whole
    bool whole = false; // every cgroup of the host is below it
};

struct Hierarchies {
    std::optional<Mount> v2;
    std::optional<Mount> v1_memory;
    std::vector<Error> refused; // mounts that are listed but could not be used: why
};

// Opens the hierarchies that a mountinfo text lists. Where one is mounted several times (a container has its own part,
// and perhaps the host's tree elsewhere), a mount of the whole tree is preferred. Fails when no hierarchy can be
// opened.
Result<Hierarchies> open_hierarchies(std::string_view mountinfo);

// The same for the calling process's mount namespace.
Result<Hierarchies> open_hierarchies();

// An O_PATH descriptor of the cgroup with this kernfs id (the st_ino of its directory, where that has 64 bits).
// One system call whatever the depth. Fails with ESTALE when there is no such cgroup any more; needs
// CAP_DAC_READ_SEARCH in the initial user namespace (EPERM).
//
// An id is not used again while the hierarchy lives: kernfs hands numbers out in a cycle and counts the cycles in the
// upper 32 bits (fs/kernfs/dir.c, __kernfs_new_node). So ESTALE is final.
Result<Fd> open_cgroup(const Mount& mount, std::uint64_t id);

// The path of the cgroup with this id from the root of its hierarchy: two system calls more. Fails as open_cgroup does,
// and for a cgroup outside of the part of the tree that is mounted.
Result<std::string> cgroup_path(const Mount& mount, std::uint64_t id);

// Whether cgroups can be opened by id at all, tried on the root of each hierarchy. EPERM: CAP_DAC_READ_SEARCH is
// missing.
Result<> can_name_cgroups(const Hierarchies& hierarchies);

// `link`, what /proc/self/fd shows for a cgroup that was opened through `mount`, as a path within the hierarchy. Fails
// when it is not below the mount. Pure.
Result<std::string> path_within(const Mount& mount, std::string_view link);

} // namespace knell

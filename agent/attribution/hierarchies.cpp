#include "agent/attribution/hierarchies.hpp"

#include "agent/attribution/mountinfo.hpp"
#include "agent/attribution/words.hpp"
#include "agent/base/file.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <cstddef>
#include <cstring>

namespace knell {

namespace {

// Nodes mount the layers of every container: thousands of lines of a few hundred bytes.
constexpr std::size_t kMaxMountinfo = 32ULL << 20;

// The root of a kernfs tree gets the first number (kernfs_create_root).
constexpr ino_t kRootInode = 1;

// File handle type of kernfs: the handle is the node's 64-bit id (enum fid_type, linux/exportfs.h; kernfs since 5.5).
constexpr int kFileIdKernfs = 0xfe;

Result<std::string> read_fd_link(int fd) {
    const std::string name = "/proc/self/fd/" + std::to_string(fd);
    std::string link(PATH_MAX, '\0');
    const ssize_t length = ::readlink(name.c_str(), link.data(), link.size());
    if (length < 0) {
        return system_failure("readlink " + name, errno);
    }
    link.resize(static_cast<std::size_t>(length));
    return link;
}

Result<Mount> open_mount(const CgroupMount& listed) {
    const std::string& path = listed.mount_point;
    Fd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory) {
        return system_failure("open the cgroup mount " + path, errno);
    }
    struct statfs filesystem{};
    struct stat root{};
    if (::fstatfs(directory.get(), &filesystem) != 0 || ::fstat(directory.get(), &root) != 0) {
        return system_failure("stat the cgroup mount " + path, errno);
    }
    const auto magic = listed.kind == CgroupMount::Kind::v2 ? CGROUP2_SUPER_MAGIC : CGROUP_SUPER_MAGIC;
    if (static_cast<std::uint64_t>(filesystem.f_type) != static_cast<std::uint64_t>(magic)) {
        return failure("the cgroup mount " + path + " is hidden by another mount on top of it");
    }
    auto link = read_fd_link(directory.get());
    if (!link) {
        return std::unexpected(std::move(link).error());
    }
    // A cgroup namespace shows the host's root as "/../..": only the inode number tells that it is the root.
    const bool whole = root.st_ino == kRootInode;
    return Mount{
        .directory = std::move(directory), .link = std::move(*link), .root = whole ? "/" : listed.root, .whole = whole};
}

std::string_view without_trailing_slash(std::string_view path) {
    path.remove_suffix(path.ends_with('/') ? 1 : 0);
    return path;
}

} // namespace

Result<Hierarchies> open_hierarchies(std::string_view mountinfo) {
    Hierarchies hierarchies;
    for (const CgroupMount& listed : parse_mountinfo(mountinfo)) {
        auto& chosen = listed.kind == CgroupMount::Kind::v2 ? hierarchies.v2 : hierarchies.v1_memory;
        if (chosen && chosen->whole) {
            continue;
        }
        auto mount = open_mount(listed);
        if (!mount) {
            hierarchies.refused.push_back(std::move(mount).error());
        } else if (!chosen || mount->whole) {
            chosen = std::move(*mount);
        }
    }
    if (!hierarchies.v2 && !hierarchies.v1_memory) {
        if (!hierarchies.refused.empty()) {
            return failure_in("find the cgroup hierarchies", std::move(hierarchies.refused.front()));
        }
        return failure(
            "find the cgroup hierarchies: neither cgroup v2 nor the v1 memory controller is mounted here (mount "
            "the host's /sys/fs/cgroup into the container)");
    }
    return hierarchies;
}

Result<Hierarchies> open_hierarchies() {
    const auto mountinfo = read_small_file(AT_FDCWD, "/proc/self/mountinfo", kMaxMountinfo);
    if (!mountinfo) {
        return failure_in("find the cgroup hierarchies", mountinfo.error());
    }
    return open_hierarchies(std::string_view(*mountinfo));
}

Result<Fd> open_cgroup(const Mount& mount, std::uint64_t id) {
    alignas(file_handle) std::array<std::byte, sizeof(file_handle) + sizeof(id)> buffer{};
    auto* const handle = reinterpret_cast<file_handle*>(buffer.data());
    handle->handle_bytes = sizeof(id);
    handle->handle_type = kFileIdKernfs;
    std::memcpy(buffer.data() + offsetof(file_handle, f_handle), &id, sizeof(id));
    Fd cgroup(::open_by_handle_at(mount.directory.get(), handle, O_PATH | O_CLOEXEC));
    if (cgroup) {
        return cgroup;
    }
    const int error = errno;
    const std::string tried = "open cgroup " + std::to_string(id) + " of " + mount.link + " by its id";
    if (error == ESTALE) {
        return system_failure(tried, error, "the cgroup has been removed");
    }
    if (error == EPERM) {
        return system_failure(tried, error, "needs CAP_DAC_READ_SEARCH in the initial user namespace");
    }
    return system_failure(tried, error);
}

Result<std::string> cgroup_path(const Mount& mount, std::uint64_t id) {
    const auto cgroup = open_cgroup(mount, id);
    if (!cgroup) {
        return std::unexpected(cgroup.error());
    }
    const auto link = read_fd_link(cgroup->get());
    if (!link) {
        return failure_in("ask for the path of cgroup " + std::to_string(id), link.error());
    }
    return path_within(mount, *link);
}

Result<> can_name_cgroups(const Hierarchies& hierarchies) {
    for (const auto* mount : {&hierarchies.v2, &hierarchies.v1_memory}) {
        struct stat root{};
        if (!*mount) {
            continue;
        }
        if (::fstat((*mount)->directory.get(), &root) != 0) {
            return system_failure("looking at a cgroup mount", errno);
        }
        if (auto path = cgroup_path(**mount, root.st_ino); !path) {
            return std::unexpected(std::move(path.error()));
        }
    }
    return {};
}

Result<std::string> path_within(const Mount& mount, std::string_view link) {
    std::string_view rest = without_deleted_mark(link);
    const std::string_view mount_point = without_trailing_slash(mount.link);
    const bool below =
        rest.starts_with(mount_point) && (rest.size() == mount_point.size() || rest[mount_point.size()] == '/');
    if (below) {
        rest.remove_prefix(mount_point.size());
        const std::string path = std::string(without_trailing_slash(mount.root)) += rest;
        return path.empty() ? "/" : path;
    }
    // Through a mount of a part of the tree the kernel opens cgroups outside of it too, but shows every one of them as
    // "/" (prepend_path: "Escaped?").
    const std::string shown = "the kernel shows the cgroup as " + std::string(link) + ", not below " + mount.link;
    if (!mount.whole) {
        return failure(shown + ", where only a part of the hierarchy is mounted: mount the host's /sys/fs/cgroup here");
    }
    return failure(shown + ": the hierarchy has been mounted elsewhere since the start");
}

} // namespace knell

#include "agent/privilege/landlock.hpp"

#include "agent/base/fd.hpp"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace knell {
namespace {

// Debian 12 ships headers of Linux 6.1.
constexpr std::uint64_t kTruncate = 1ULL << 14; // LANDLOCK_ACCESS_FS_TRUNCATE, ABI 3
constexpr std::uint64_t kIoctlDev = 1ULL << 15; // LANDLOCK_ACCESS_FS_IOCTL_DEV, ABI 5

constexpr std::uint64_t kFirstRights = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1; // ABI 1
constexpr std::uint64_t kRightsOfFiles =
    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE | kTruncate | kIoctlDev;

std::uint64_t rights_known_to(int version) {
    return kFirstRights | (version >= 2 ? LANDLOCK_ACCESS_FS_REFER : 0) | (version >= 3 ? kTruncate : 0) |
           (version >= 5 ? kIoctlDev : 0);
}

std::uint64_t rights_of(FileRule::Access access) {
    constexpr std::uint64_t kRead = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
    constexpr std::uint64_t kWrite = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | kIoctlDev;
    switch (access) {
    case FileRule::Access::read:
        return kRead;
    case FileRule::Access::write:
        return kWrite;
    case FileRule::Access::manage:
        break;
    }
    return kRead | kWrite | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |
           LANDLOCK_ACCESS_FS_REMOVE_DIR;
}

Result<> add_rule(const Fd& ruleset, const FileRule& rule, std::uint64_t known) {
    const Fd place(::open(rule.path.c_str(), O_PATH | O_CLOEXEC));
    if (!place) {
        return errno == ENOENT || errno == ENOTDIR ? Result<>() : system_failure("open " + rule.path, errno);
    }
    struct stat status{};
    if (::fstat(place.get(), &status) != 0) {
        return system_failure("stat " + rule.path, errno);
    }
    landlock_path_beneath_attr beneath{};
    beneath.allowed_access = rights_of(rule.access) & known & (S_ISDIR(status.st_mode) ? ~0ULL : kRightsOfFiles);
    beneath.parent_fd = place.get();
    // EBADFD: a pipe or the like, which has no place among the files and is nothing that Landlock refuses.
    if (::syscall(SYS_landlock_add_rule, ruleset.get(), LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) != 0 &&
        errno != EBADFD) {
        return system_failure("landlock_add_rule for " + rule.path, errno);
    }
    return {};
}

} // namespace

Result<int> landlock_version() {
    const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 0) {
        return system_failure("landlock_create_ruleset", errno,
                              "it takes Linux 5.13 and landlock among the modules of the lsm= boot parameter");
    }
    return static_cast<int>(version);
}

Result<> restrict_files(const std::vector<FileRule>& rules) {
    const auto version = landlock_version();
    if (!version) {
        return std::unexpected(version.error());
    }
    landlock_ruleset_attr handled{};
    handled.handled_access_fs = rights_known_to(*version);
    const Fd ruleset(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0)));
    if (!ruleset) {
        return system_failure("landlock_create_ruleset", errno);
    }
    for (const FileRule& rule : rules) {
        if (auto added = add_rule(ruleset, rule, handled.handled_access_fs); !added) {
            return added;
        }
    }
    if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) {
        return system_failure("landlock_restrict_self", errno, "it takes no_new_privs");
    }
    return {};
}

} // namespace knell

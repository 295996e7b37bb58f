#include "agent/probe/pin_directory.hpp"

#include "agent/base/directory.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>

namespace knell {
namespace {

constexpr std::string_view kUnfinished = "-new"; // bpffs takes no names with a dot
constexpr mode_t kOwnerOnly = 0700;

// "<12 hexadecimal digits>-<16>", perhaps with "-new" behind it: nobody else's names look like this.
bool is_ours(std::string_view name) {
    constexpr std::size_t kContract = 12;
    constexpr std::size_t kWhole = kContract + 1 + 16;
    if (name.ends_with(kUnfinished)) {
        name.remove_suffix(kUnfinished.size());
    }
    const auto hexadecimal = [](char each) { return (each >= '0' && each <= '9') || (each >= 'a' && each <= 'f'); };
    return name.size() == kWhole && name[kContract] == '-' &&
           std::ranges::all_of(name.substr(0, kContract), hexadecimal) &&
           std::ranges::all_of(name.substr(kContract + 1), hexadecimal);
}

// The names in a directory that is open at `directory_fd`.
Result<std::vector<std::string>> names_in(int directory_fd, const std::string& path) {
    std::vector<std::string> names;
    const auto listed = for_each_entry(directory_fd, ".", [&names](const dirent& entry) {
        names.emplace_back(entry.d_name);
        return true;
    });
    if (!listed) {
        return system_failure("listing " + path, listed.error().errno_value);
    }
    return names;
}

} // namespace

Result<> PinDirectory::check_bpffs(const std::string& path) {
    const std::string parent = std::filesystem::path(path).parent_path();
    struct statfs filesystem{};
    if (::statfs(parent.c_str(), &filesystem) != 0) {
        return system_failure("looking for a bpffs at " + parent, errno, "mount -t bpf bpf /sys/fs/bpf");
    }
    if (static_cast<std::uint64_t>(filesystem.f_type) != std::uint64_t{BPF_FS_MAGIC}) {
        return failure(parent + " is not in a bpffs (mount -t bpf bpf /sys/fs/bpf, or set state.pin)");
    }
    if ((filesystem.f_flags & ST_RDONLY) != 0) {
        return failure("the bpffs at " + parent + " is mounted read-only (mount -o remount,rw, or set state.pin)");
    }
    return {};
}

Result<PinDirectory> PinDirectory::lock(const std::string& path) {
    if (auto possible = check_bpffs(path); !possible) {
        return std::unexpected(std::move(possible.error()));
    }
    if (::mkdir(path.c_str(), kOwnerOnly) != 0 && errno != EEXIST) {
        return system_failure("making " + path, errno, "is it ours to write to?");
    }
    Fd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!directory) {
        return system_failure("opening " + path, errno);
    }
    if (::flock(directory.get(), LOCK_EX | LOCK_NB) != 0) {
        return system_failure("locking " + path, errno,
                              errno == EWOULDBLOCK ? "another knell uses it: stop that one, or give this one a "
                                                     "state.pin of its own"
                                                   : "unexpected");
    }
    return PinDirectory(path, std::move(directory));
}

Result<std::vector<std::string>> PinDirectory::take_stock() {
    auto names = names_in(directory_.get(), path_);
    if (!names) {
        return names;
    }
    std::erase_if(*names, [](const std::string& name) { return !is_ours(name); });
    for (const std::string& name : *names) {
        if (name.ends_with(kUnfinished)) {
            if (auto removed = remove(name); !removed) {
                return std::unexpected(std::move(removed.error()));
            }
        }
    }
    std::erase_if(*names, [](const std::string& name) { return name.ends_with(kUnfinished); });
    std::ranges::sort(*names);
    return names;
}

Result<std::string> PinDirectory::begin(const std::string& name) {
    const std::string unfinished = name + std::string(kUnfinished);
    if (::mkdirat(directory_.get(), unfinished.c_str(), kOwnerOnly) != 0) {
        return system_failure("making " + path_of(unfinished), errno);
    }
    return path_of(unfinished);
}

Result<> PinDirectory::publish(const std::string& name) {
    const std::string unfinished = name + std::string(kUnfinished);
    if (::renameat(directory_.get(), unfinished.c_str(), directory_.get(), name.c_str()) != 0) {
        return system_failure("renaming " + path_of(unfinished), errno);
    }
    return {};
}

Result<> PinDirectory::remove(const std::string& name) {
    const Fd inner(::openat(directory_.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!inner) {
        return errno == ENOENT ? Result<>() : system_failure("opening " + path_of(name), errno);
    }
    const auto pins = names_in(inner.get(), path_of(name));
    if (!pins) {
        return std::unexpected(pins.error());
    }
    for (const std::string& pin : *pins) {
        if (::unlinkat(inner.get(), pin.c_str(), 0) != 0) {
            return system_failure("removing " + path_of(name) + "/" + pin, errno);
        }
    }
    if (::unlinkat(directory_.get(), name.c_str(), AT_REMOVEDIR) != 0) {
        return system_failure("removing " + path_of(name), errno);
    }
    return {};
}

Result<> PinDirectory::remove_itself() {
    if (::rmdir(path_.c_str()) != 0) {
        return system_failure("removing " + path_, errno,
                              errno == ENOTEMPTY ? "something that is not knell's is in it" : "unexpected");
    }
    return {};
}

} // namespace knell

#include "agent/base/directory.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>

namespace knell {

namespace {

struct CloseDirectory {
    void operator()(DIR* directory) const { (void)::closedir(directory); }
};

std::unique_ptr<DIR, CloseDirectory> open_directory(int dirfd, const char* path) {
    const int fd = ::openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    std::unique_ptr<DIR, CloseDirectory> directory(fd < 0 ? nullptr : ::fdopendir(fd));
    if (fd >= 0 && !directory) {
        const int error = errno;
        (void)::close(fd);
        errno = error;
    }
    return directory;
}

} // namespace

Result<> for_each_entry(int dirfd, const char* path, const std::function<bool(const dirent& entry)>& visit) {
    const auto directory = open_directory(dirfd, path);
    if (!directory) {
        return system_failure(std::string("listing ") + path, errno);
    }
    for (;;) {
        errno = 0; // the end and a failure look the same otherwise
        const dirent* entry = ::readdir(directory.get());
        if (entry == nullptr) {
            return errno == 0 ? Result<>() : system_failure(std::string("listing ") + path, errno);
        }
        const bool is_link_up = std::strcmp(entry->d_name, ".") == 0 || std::strcmp(entry->d_name, "..") == 0;
        if (!is_link_up && !visit(*entry)) {
            return {};
        }
    }
}

} // namespace knell

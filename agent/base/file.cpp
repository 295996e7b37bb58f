#include "agent/base/file.hpp"

#include "agent/base/fd.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

namespace knell {

Result<std::string> read_small_file(int dirfd, const char* path, std::size_t max_bytes) {
    const Fd file(::openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (!file) {
        return system_failure(std::string("open ") + path, errno);
    }
    // The size is not asked for: files of /proc have none. One byte above the limit tells "too long" from "full".
    std::string content;
    std::size_t length = 0;
    while (length <= max_bytes) {
        content.resize(std::min(std::max<std::size_t>(2 * length, 4096), max_bytes + 1));
        const ssize_t got = ::read(file.get(), content.data() + length, content.size() - length);
        if (got == 0) {
            content.resize(length);
            return content;
        }
        if (got < 0 && errno != EINTR) {
            return system_failure(std::string("read ") + path, errno);
        }
        length += got > 0 ? static_cast<std::size_t>(got) : 0;
    }
    return system_failure(std::string("read ") + path, EFBIG, "more than " + std::to_string(max_bytes) + " bytes");
}

bool may_access(const std::string& path, int mode) {
    return ::faccessat(AT_FDCWD, path.c_str(), mode, AT_EACCESS) == 0;
}

} // namespace knell

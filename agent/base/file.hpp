#pragma once

#include "agent/base/result.hpp"

#include <cstddef>
#include <string>

namespace knell {

// The whole of a small file, such as one of /proc, /sys or a configuration. `path` is relative to `dirfd` (AT_FDCWD: to
// the working directory) unless it is absolute. A file of more than `max_bytes` fails with EFBIG: half of it would be
// taken for all of it. Blocks as read() does.
Result<std::string> read_small_file(int dirfd, const char* path, std::size_t max_bytes);

// Whether the file may be opened like this (F_OK: whether it is there), as open() would judge; errno says why not.
// access() judges without the capabilities of a process that is not root's.
bool may_access(const std::string& path, int mode);

} // namespace knell

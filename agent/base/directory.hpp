#pragma once

#include "agent/base/result.hpp"

#include <dirent.h>

#include <functional>

namespace knell {

// Calls `visit` for each entry of a directory but "." and "..", in no order, until it returns false. `path` is
// relative to `dirfd` (AT_FDCWD: to the working directory) unless it is absolute.
Result<> for_each_entry(int dirfd, const char* path, const std::function<bool(const dirent& entry)>& visit);

} // namespace knell

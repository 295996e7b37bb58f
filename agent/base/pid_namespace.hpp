#pragma once

#include "agent/base/result.hpp"

#include <cstdint>

namespace knell {

// The inode number of our pid namespace, as the kernel compares it; 0: the initial one, which shows every process.
// Takes a procfs.
Result<std::uint32_t> own_pid_namespace();

} // namespace knell

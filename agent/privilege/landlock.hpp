#pragma once

#include "agent/base/result.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace knell {

struct FileRule {
    enum class Access : std::uint8_t {
        read,   // files and directories
        write,  // files, new ones too
        manage, // all of it, and removing
    };
    std::string path; // and what is below it
    Access access = Access::read;
};

// What the kernel's Landlock knows, by its ABI version. ENOSYS, EOPNOTSUPP: there is none.
Result<int> landlock_version();

// From now on the calling thread, and those that it will start, reach no file but these; of the /proc of others,
// nothing that only a tracer may read. What is open stays open. A path that does not exist allows nothing. Takes
// forbid_new_privileges().
Result<> restrict_files(const std::vector<FileRule>& rules);

} // namespace knell

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace knell {

// A mounted cgroup hierarchy that attribution can use: the unified one, or the v1 one with the memory controller.
struct CgroupMount {
    enum class Kind : std::uint8_t { v2, v1_memory } kind = Kind::v2;
    std::string root;        // the cgroup that is mounted, as the reader's cgroup namespace shows it; "/" = all of it
    std::string mount_point; // as the reader sees it
};

// The cgroup mounts in the text of a /proc/PID/mountinfo, in its order. Pure; lines that are not understood are
// skipped.
std::vector<CgroupMount> parse_mountinfo(std::string_view text);

} // namespace knell

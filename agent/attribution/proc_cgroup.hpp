#pragma once

#include "agent/base/result.hpp"

#include <string>
#include <string_view>

namespace knell {

// The cgroup path in the text of a /proc/PID/cgroup: of v2 ("0::/path") or the v1 memory hierarchy ("4:memory:/path"),
// by the rule of choose(). Relative to the reader's cgroup namespace, as the kernel prints it. Fails when the text has
// neither. Pure.
//
// The text has to be read while the process is alive: on v1 the kernel shows "/" for one that is exiting, on v2 the
// cgroup that it died in (proc_cgroup_show).
Result<std::string> path_from_proc_cgroup(std::string_view text);

} // namespace knell

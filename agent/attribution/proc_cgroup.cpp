#include "agent/attribution/proc_cgroup.hpp"

#include "agent/attribution/lookup.hpp"
#include "agent/attribution/words.hpp"

#include <utility>

namespace knell {

Result<std::string> path_from_proc_cgroup(std::string_view text) {
    Lookup v2{.path = {}, .miss = Miss::no_cgroup};
    Lookup v1_memory = v2;
    while (!text.empty()) {
        // "hierarchy:controllers:path". A path may contain colons, never a newline (cgroup_mkdir refuses it).
        std::string_view path = take_word(text, '\n');
        const std::string_view hierarchy = take_word(path, ':');
        const std::string_view controllers = take_word(path, ':');
        if (!path.starts_with('/')) {
            continue;
        }
        const Lookup found{.path = std::string(without_deleted_mark(path)), .miss = Miss::none};
        if (hierarchy == "0" && controllers.empty()) {
            v2 = found;
        } else if (has_word(controllers, ',', "memory")) {
            v1_memory = found;
        }
    }
    Lookup chosen = choose(std::move(v2), std::move(v1_memory));
    if (chosen.miss != Miss::none) {
        return failure(
            "no line for cgroup v2 or the v1 memory controller: the process is gone, or the host mounts neither");
    }
    return std::move(chosen.path);
}

} // namespace knell

#include "agent/attribution/lookup.hpp"

#include <utility>

namespace knell {

bool below_root(const Lookup& lookup) {
    return lookup.miss == Miss::none && lookup.path != "/";
}

Lookup choose(Lookup v2, Lookup v1_memory) {
    if (below_root(v2) || v1_memory.miss == Miss::no_cgroup) {
        return v2;
    }
    const bool v2_failed = v2.miss == Miss::cgroup_gone || v2.miss == Miss::cgroup_unreadable;
    if (v2_failed && !below_root(v1_memory)) {
        return v2;
    }
    return v1_memory;
}

} // namespace knell

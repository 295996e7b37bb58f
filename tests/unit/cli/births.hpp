#pragma once

#include "bpf/events.h"

#include <cstdint>

namespace knell::test {

struct Named {
    std::uint32_t pid;
    std::uint64_t start;
};

// The record of `child`, made by `creator`.
inline knell_fork birth_of(Named child, Named creator) {
    knell_fork birth{};
    birth.child.pid = child.pid;
    birth.child.start_ns = child.start;
    birth.creator_pid = creator.pid;
    birth.creator_start_ns = creator.start;
    return birth;
}

} // namespace knell::test

#pragma once

#include "agent/loop/loop.hpp"
#include "agent/probe/probe.hpp"
#include "agent/probe/report.hpp"

#include <string>
#include <vector>

namespace knell {

// Why something is not in use; empty where it is.
struct Obstacles {
    std::string bpf{};
    std::string cgroups{};
    std::string io_uring{};
    std::string pin{};
    std::string scan{}; // of the processes that existed at the start
    std::string host_processes{};
    std::string held_pidfds{};
    bool counts_held_pidfds = true; // with an obstacle: only a part
};

// Whether deaths between two agents are told. `hook`: where it is pinned; empty where nothing can be.
Feature restart_feature(std::string hook, std::string why_not);

// What this agent observes and by which means, one row each, with why something is off and what would turn it on.
// `probe` is null without BPF.
std::vector<Feature> describe_features(const Probe* probe, const Loop& loop, const Obstacles& obstacles);

} // namespace knell

#include "agent/observer/features.hpp"

#include "agent/pidfd/features.hpp"
#include "agent/pidfd/pidfd.hpp"

namespace knell {
namespace {

struct Remedy {
    const char* feature;
    const char* text;
};

// What is lost without a program, and what would bring it back.
constexpr Remedy kRemedies[] = {
    {"exit", "exits are found by polling pidfds: short-lived processes are missed. Run as root or with CAP_BPF and "
             "CAP_PERFMON, on a kernel with /sys/kernel/btf/vmlinux"},
    {"signal", "killers stay unknown, and reaction times cannot be measured; needs tp_btf/signal_generate"},
    {"fork", "new processes are not watched; needs tp_btf/task_newtask"},
    {"exec", "names are those at fork; needs tp_btf/sched_process_exec"},
    {"oom_scope",
     "OOM kills are seen, whether a cgroup's or the machine's limit was hit is not; needs tp_btf/mark_victim "
     "and readable addresses in /proc/kallsyms"},
};

std::string remedy_for(const std::string& feature) {
    for (const Remedy& remedy : kRemedies) {
        if (feature == remedy.feature) {
            return remedy.text;
        }
    }
    return "";
}

Feature pidfd_feature(const std::string& why_no_scan) {
    Feature watch{"watch", "pidfd_open + poll", why_no_scan, ""};
    if (!available(PidfdFeature::pidfs)) {
        watch.why_not = "pidfds have no identity of their own and do not report the reap";
        watch.remedy = "reap times and zombies need Linux 6.9 (pidfs)";
    }
    return watch;
}

Feature loop_feature(const Loop& loop, const std::string& why_not_io_uring) {
    return {"event_loop", std::string(name(loop.backend())), why_not_io_uring,
            why_not_io_uring.empty() ? "" : "deaths are noticed by epoll, a little later; allow io_uring to be faster"};
}

Feature attribution_feature(const std::string& why_no_cgroups) {
    if (why_no_cgroups.empty()) {
        return {"attribution", "open_by_handle_at(cgroup id)", "", ""};
    }
    return {"attribution", "", why_no_cgroups,
            "mount cgroup2, or the v1 memory controller, where the agent sees it; CAP_DAC_READ_SEARCH opens them"};
}

} // namespace

std::vector<Feature> describe_features(const Probe* probe, const Loop& loop, const Obstacles& obstacles) {
    std::vector<Feature> features;
    if (probe != nullptr) {
        features = probe->features();
        for (Feature& feature : features) {
            if (!feature.why_not.empty()) {
                feature.remedy = remedy_for(feature.name);
            }
        }
    } else {
        for (const Remedy& remedy : kRemedies) {
            features.push_back({remedy.feature, "", obstacles.bpf, remedy.text});
        }
    }
    features.push_back(pidfd_feature(obstacles.scan));
    features.push_back(loop_feature(loop, obstacles.io_uring));
    features.push_back(attribution_feature(obstacles.cgroups));
    return features;
}

} // namespace knell

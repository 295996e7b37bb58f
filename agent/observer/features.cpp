#include "agent/observer/features.hpp"

#include "agent/pidfd/features.hpp"
#include "agent/pidfd/pidfd.hpp"

#include <utility>

namespace knell {
namespace {

struct Remedy {
    const char* feature;
    const char* when_off;     // what is lost without it, and what would bring it back
    const char* when_limited; // the same where a better hook was refused
};

constexpr Remedy kRemedies[] = {
    {"exit",
     "exits are found by polling pidfds: short-lived processes are missed. Run as root or with CAP_BPF and "
     "CAP_PERFMON, on a kernel with /sys/kernel/btf/vmlinux",
     ""},
    {"signal", "killers stay unknown, and reaction times cannot be measured; needs tp_btf/signal_generate", ""},
    {"fork", "new processes are not watched; needs tp_btf/task_newtask", ""},
    {"exec", "names are those at fork; needs tp_btf/sched_process_exec", ""},
    {"oom_scope",
     "OOM kills are seen, whether a cgroup's or the machine's limit was hit is not, nor that a process died because it "
     "shared the victim's memory; needs BPF trampolines, or readable addresses in /proc/kallsyms (CAP_SYSLOG and "
     "kernel.kptr_restrict below 2)",
     ""},
    {"pidfd_creation",
     "who opens pidfds is not counted; needs pidfd_creation: auto, and BPF trampolines (fexit), BPF among the security "
     "modules, or tracefs",
     "ways that this hook cannot see are not counted; the better ones need BPF trampolines, which locked-down kernels "
     "refuse"},
};

std::string remedy_for(const Feature& feature) {
    for (const Remedy& remedy : kRemedies) {
        if (feature.name == remedy.feature && !feature.why_not.empty()) {
            return feature.on() ? remedy.when_limited : remedy.when_off;
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

Feature held_pidfds_feature(const Obstacles& obstacles) {
    return {"held_pidfds", obstacles.counts_held_pidfds ? "iter/task_file" : "", obstacles.held_pidfds,
            obstacles.counts_held_pidfds
                ? ""
                : "who holds pidfds at the start is not counted; needs pidfd_creation: auto, and BPF iterators"};
}

Feature host_feature(const std::string& why_not) {
    if (why_not.empty()) {
        return {"host_processes", "the initial pid namespace", "", ""};
    }
    return {"host_processes", "", why_not,
            "deaths outside of it are counted alone (knell_exits_outside_pid_namespace_total); hostPID: true in "
            "Kubernetes, --pid=host with docker and podman; nothing to do in a nested cluster (kind)"};
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

Feature restart_feature(std::string hook, std::string why_not) {
    const char* remedy =
        hook.empty() ? "exits between two agents are missed; needs a bpffs that the agent may write to" : "";
    return {"restart", std::move(hook), std::move(why_not), remedy};
}

std::vector<Feature> describe_features(const Probe* probe, const Loop& loop, const Obstacles& obstacles) {
    std::vector<Feature> features;
    if (probe != nullptr) {
        features = probe->features();
        for (Feature& feature : features) {
            if (feature.name == "restart") {
                feature = restart_feature(std::move(feature.hook), std::move(feature.why_not));
            } else {
                feature.remedy = remedy_for(feature);
            }
        }
    } else {
        for (const Remedy& remedy : kRemedies) {
            features.push_back({remedy.feature, "", obstacles.bpf, remedy.when_off});
        }
    }
    if (!obstacles.pin.empty()) {
        features.push_back(restart_feature("", obstacles.pin));
    }
    features.push_back(host_feature(obstacles.host_processes));
    features.push_back(held_pidfds_feature(obstacles));
    features.push_back(pidfd_feature(obstacles.scan));
    features.push_back(loop_feature(loop, obstacles.io_uring));
    features.push_back(attribution_feature(obstacles.cgroups));
    return features;
}

} // namespace knell

#include "agent/cause/killer.hpp"

#include "agent/cause/signature.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

namespace knell {
namespace {

// As the kernel keeps them, cut to 15 bytes: "containerd-shim" stands for containerd-shim-runc-v2 as well.
constexpr std::array<std::string_view, 6> kRuntimeComms = {"containerd-shim", "runc",    "crun",
                                                           "conmon",          "kubelet", "dockerd"};
constexpr std::array<std::string_view, 6> kRuntimeUnits = {"containerd.service", "crio.service", "docker.service",
                                                           "kubelet.service",    "k3s.service",  "k3s-agent.service"};
constexpr std::array<std::string_view, 3> kOomDaemonComms = {"systemd-oomd", "oomd", "earlyoom"};
constexpr std::array<std::string_view, 3> kOomDaemonUnits = {"systemd-oomd.service", "oomd.service",
                                                             "earlyoom.service"};

std::string_view comm_of(const knell_signal& signal) {
    return {signal.sender_comm, strnlen(signal.sender_comm, sizeof(signal.sender_comm))};
}

bool contains(std::span<const std::string_view> names, std::string_view name) {
    return std::ranges::find(names, name) != names.end();
}

// A process may call itself anything, so its name counts only for root outside every container. The unit counts
// without root, because the service manager gave it: systemd-oomd and earlyoom run as users of their own.
bool is_daemon(const knell_signal& signal, const SenderPlace& place, std::span<const std::string_view> comms,
               std::span<const std::string_view> units) {
    if (!place.known || place.in_container) {
        return false;
    }
    return contains(units, place.unit) || (signal.sender_uid == 0 && contains(comms, comm_of(signal)));
}

bool is_same_container(const SenderPlace& place) {
    return place.same_place_as_victim && place.in_container && place.victim_in_container;
}

// First match wins; the most specific answer to "whom do I ask about this?" comes first. A process that ends itself is
// nobody else's doing. Runtimes, OOM daemons and the host's init act for a policy (eviction, a stop, memory pressure)
// and are often the victim's parent too: "parent" would hide the policy. Kinship comes before place, because a
// supervisor that stops its worker is normal wherever both live. Place is the last thing known about a stranger.
KillerClass classify(const knell_signal& signal, const SenderPlace& place) {
    constexpr std::uint32_t kHostInit = 1; // pids are those of the initial namespace: a container's init has another
    if (has_sender_flag(signal, KNELL_SENDER_SELF)) {
        return KillerClass::self;
    }
    if (is_daemon(signal, place, kOomDaemonComms, kOomDaemonUnits)) {
        return KillerClass::oom_daemon;
    }
    if (is_daemon(signal, place, kRuntimeComms, kRuntimeUnits)) {
        return KillerClass::container_runtime;
    }
    if (signal.sender_pid == kHostInit) {
        return KillerClass::init;
    }
    if (has_sender_flag(signal, KNELL_SENDER_PARENT)) {
        return KillerClass::parent;
    }
    if (has_sender_flag(signal, KNELL_SENDER_CHILD)) {
        return KillerClass::child;
    }
    if (!place.known) {
        return KillerClass::unknown;
    }
    if (is_same_container(place)) {
        return KillerClass::same_container;
    }
    return place.in_container ? KillerClass::other_container : KillerClass::host;
}

KillerVerdict nobody(KillerClass kind) {
    return {.kind = kind, .blame = false, .pid = 0, .uid = 0, .comm = {}};
}

KillerVerdict sender_as(KillerClass kind, const knell_signal& signal) {
    return {.kind = kind,
            .blame = true,
            .pid = signal.sender_pid,
            .uid = signal.sender_uid,
            .comm = std::string(comm_of(signal))};
}

} // namespace

KillerVerdict find_killer(Reason reason, const knell_signal* fatal, const SenderPlace& place) {
    // The kernel enforced a limit or a filter. `current` is whoever allocated memory at the time, or the victim.
    if (reason == Reason::oom_kill || reason == Reason::seccomp) {
        return nobody(KillerClass::kernel);
    }
    if (fatal == nullptr) {
        return nobody(KillerClass::unknown);
    }
    if (reason == Reason::pidns_teardown) {
        return sender_as(KillerClass::kernel, *fatal); // the kernel swept up behind this init: its death is the lead
    }
    if (reason == Reason::parent_death) {
        // Not from the flag: forget_original_parent() has reparented the child before it sends the signal.
        return sender_as(KillerClass::parent, *fatal);
    }
    if (is_from_kernel(*fatal)) {
        return nobody(KillerClass::kernel);
    }
    return sender_as(classify(*fatal, place), *fatal);
}

} // namespace knell

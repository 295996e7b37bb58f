#include "agent/cause/killer.hpp"

#include "agent/cause/daemons.hpp"
#include "agent/cause/signature.hpp"

namespace knell {
namespace {

Daemon daemon_behind(const knell_signal& signal, const SenderPlace& place) {
    return recognise_daemon({.exe = text_of(signal.sender_exe),
                             .uid = signal.sender_uid,
                             .unit = place.unit,
                             .outside_containers = place.known && !place.in_container});
}

bool is_same_container(const SenderPlace& place) {
    return place.same_place_as_victim && place.in_container && place.victim_in_container;
}

// First match wins; the most specific answer to "whom do I ask about this?" comes first. A process that ends itself is
// nobody else's doing. Runtimes, OOM daemons and the host's init act for a policy (eviction, a stop, memory pressure)
// and are often the victim's parent too: "parent" would hide the policy. Kinship comes before place, because a
// supervisor that stops its worker is normal wherever both live. Place is the last thing known about a stranger.
KillerClass classify(const knell_signal& signal, const SenderPlace& place) {
    constexpr std::uint32_t kHostInit = 1; // of the agent's pid namespace: a container's init has another
    if (has_sender_flag(signal, KNELL_SENDER_SELF)) {
        return KillerClass::self;
    }
    switch (daemon_behind(signal, place)) {
    case Daemon::oom_daemon:
        return KillerClass::oom_daemon;
    case Daemon::container_runtime:
        return KillerClass::container_runtime;
    case Daemon::none:
        break;
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

Killer nobody(KillerClass kind) {
    return {.kind = kind};
}

Killer sender_as(KillerClass kind, const knell_signal& signal) {
    return {.kind = kind,
            .pid = signal.sender_pid != 0 ? std::optional(signal.sender_pid) : std::nullopt,
            .uid = signal.sender_uid,
            .comm = std::string(text_of(signal.sender_comm)),
            .exe = std::string(text_of(signal.sender_exe))};
}

} // namespace

Killer find_killer(Reason reason, const knell_signal* fatal, const SenderPlace& place) {
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

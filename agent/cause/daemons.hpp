#pragma once

#include <cstdint>
#include <string_view>

namespace knell {

// Programs that act for a policy of the node: whoever meets one of their deeds asks the policy, not the program.
enum class Daemon : std::uint8_t { none, container_runtime, oom_daemon };

// A process as far as it tells a daemon from one that pretends to be one.
struct Credentials {
    std::string_view exe = {};  // base name of its executable; empty = not known
    std::uint32_t uid = 0;      // real user id, initial user namespace
    std::string_view unit = {}; // unit of the system's service manager; empty = none
    // Known to be in no container. False also where nobody knows where it lived.
    bool outside_containers = false;
};

// By executable and place, never by comm: a process may call itself anything. The name of an executable counts for root
// outside every container, since others may name a file as they like, too. The unit counts without root, because the
// service manager gave it: systemd-oomd and earlyoom run as users of their own. Pure; any thread.
Daemon recognise_daemon(const Credentials& process);

} // namespace knell

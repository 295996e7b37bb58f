#pragma once

#include "agent/event/event.hpp"

#include <string>

namespace knell {

// A death in words for a person, one phrase for each column of a table. What processes named themselves is made safe
// for a terminal.

// "signal SIGKILL", "crash SIGSEGV (core)", "error exit 7", "success after SIGTERM", "oom_kill memcg".
std::string reason_phrase(const Exit& exit);

// "4242 bash (host)", "parent 17 sh", "kernel", "self"; "-" when nobody sent anything.
std::string killer_phrase(const Exit& exit);

// The most telling name that has room in `width` cells (0 = any has): namespace/pod/container, namespace/container,
// container; else the systemd unit, else the end of the cgroup path. "-" when nothing is known.
std::string place_phrase(const Place* place, std::size_t width);

} // namespace knell

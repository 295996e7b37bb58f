#pragma once

#include "agent/pidctl/output.hpp"
#include "agent/pidfd/pidfd.hpp"

#include <optional>
#include <string>
#include <sys/types.h>

namespace knell {

// A process as results name it.
struct Subject {
    std::string process;      // "PID:INODE", to be used again; empty: it cannot be told, the process is reaped
    std::optional<pid_t> pid; // in our pid namespace; absent as well
    std::string comm;         // raw bytes; empty: not known

    // What cannot be told is absent; nothing depends on it.
    static Subject of(const Pidfd& pidfd);
};

// `process`, `pid`, `comm`.
void put_subject(Json& object, const Subject& subject);

} // namespace knell

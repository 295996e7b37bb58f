#pragma once

#include <csignal>
#include <sys/wait.h>

namespace knell {

// The wait status that wait4() gives for what waitid(WEXITED) has filled in. Not installed.
inline int wait_status(const siginfo_t& ended) {
    switch (ended.si_code) {
    case CLD_KILLED:
        return ended.si_status;
    case CLD_DUMPED:
        return ended.si_status | WCOREFLAG;
    default: // CLD_EXITED
        return ended.si_status << 8;
    }
}

} // namespace knell

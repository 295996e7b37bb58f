#pragma once

#include "agent/cause/reason.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace knell {

// Who sent the signal that ended a process.
struct Killer {
    KillerClass kind = KillerClass::unknown;
    // Absent where nobody is to blame (the kernel acted, or the sender was not seen), and of a sender outside of the
    // agent's pid namespace.
    std::optional<std::uint32_t> pid{};
    std::optional<std::uint32_t> uid{}; // absent where nobody is to blame
    std::string comm{};                 // raw bytes, at most KNELL_COMM_SIZE
    std::string exe{}; // base name of its executable, which it cannot choose as freely as its comm; empty: not known
};

// What the facts of one death come to: why the process ended.
struct Verdict {
    Reason reason = Reason::unknown;
    std::optional<int> exit_code; // of a normal exit
    int signal = 0;               // of a death by signal; 0 = none
    bool core_dumped = false;
    std::optional<OomScope> oom_scope; // of oom_kill
    std::optional<Killer> killer;      // of every death by signal; its kind may be unknown
    int preceded_by = 0;               // a stop request (SIGTERM) that it did not die of; 0 = none
};

} // namespace knell

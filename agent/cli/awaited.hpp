#pragma once

#include "agent/cli/process_argument.hpp"
#include "agent/event/event.hpp"
#include "agent/pidfd/pidfd.hpp"

#include <optional>
#include <string>
#include <vector>

namespace knell {

// A process that `knell wait` waits for, held from before anything else happens.
struct Awaited {
    std::string text; // as it was named on the command line
    Pidfd pidfd;
    ProcessIdentity process; // as far as /proc tells; empty fields are not known
    bool ended_before;       // it was dead when it was opened: there will be no record of its end
    bool told = false;
    std::optional<int> status; // the shell's, once told
};

// Opens all of them, or none.
Result<std::vector<Awaited>> open_awaited(const std::vector<ProcessArgument>& arguments);

// Whether the event is the end of this process.
bool is_exit_of(const Exit& exit, const Awaited& awaited);

// Its end as the kernel tells anybody who asks afterwards: the wait status, if we may know it. `time`: when we noticed,
// 0: it was dead already.
Exit exit_by_pidfd(const Awaited& awaited, Instant time);

} // namespace knell

#pragma once

#include "agent/base/result.hpp"

namespace knell {

// From now on every thread of the process makes only the system calls that a running agent makes: no program is
// executed, no process or thread started, no socket opened, nothing mounted, no BPF program loaded, no memory made
// executable. Others answer EPERM: a call that was forgotten here is an error that somebody sees, and not a dead agent.
// One call of io_uring makes many: what they may be is the ring's own matter. Takes forbid_new_privileges().
Result<> restrict_system_calls();

} // namespace knell

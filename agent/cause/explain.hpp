#pragma once

#include "agent/cause/facts.hpp"
#include "agent/cause/killer.hpp"
#include "agent/cause/reason.hpp"

#include <optional>

namespace knell {

// What the facts of one death come to.
struct Verdict {
    Reason reason = Reason::unknown;
    std::optional<int> exit_code; // of a normal exit
    int signal = 0;               // of a death by signal; 0 = none
    bool core_dumped = false;
    std::optional<OomScope> oom_scope;   // of oom_kill
    std::optional<KillerVerdict> killer; // of every death by signal; its kind may be unknown
    int preceded_by = 0;                 // the stop request before an end that was not by it; 0 = not asked
};

// The signal that the process died of, nullptr if its record is missing: the last possibly fatal signal counts only
// when the wait status names the same one, since others may have come after it or been survived.
const knell_signal* fatal_signal(const ExitFacts& facts);

// Pure; any thread. Resolve `place` for the sender of fatal_signal(facts); without it the killer is known by kinship
// only.
Verdict explain(const ExitFacts& facts, const SenderPlace& place = {});

} // namespace knell

#pragma once

#include "agent/cause/facts.hpp"
#include "agent/cause/killer.hpp"
#include "agent/cause/verdict.hpp"

namespace knell {

// The signal that the process died of, nullptr if its record is missing: the last possibly fatal signal counts only
// when the wait status names the same one, since others may have come after it or been survived.
const knell_signal* fatal_signal(const ExitFacts& facts);

// Pure; any thread. Resolve `place` for the sender of fatal_signal(facts); without it the killer is known by kinship
// only.
Verdict explain(const ExitFacts& facts, const SenderPlace& place = {});

} // namespace knell

#pragma once

#include "agent/base/clock.hpp"
#include "agent/ledger/ledger.hpp"
#include "exporters/prometheus/family_builder.hpp"

namespace knell {

// All families whose numbers are the ledger's. Any thread. `now` is what zombies' ages are measured to.
void collect_ledger(const Ledger& ledger, Instant now, const FamilySink& sink);

} // namespace knell

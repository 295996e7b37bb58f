#pragma once

#include "agent/observer/status.hpp"
#include "exporters/prometheus/build_info.hpp"
#include "exporters/prometheus/family_builder.hpp"

namespace knell {

// All families whose numbers are in the agent's status. Without BPF the families that only the kernel side can count
// are absent: zeros would claim that nothing happened.
void collect_status(const Status& status, const FamilySink& sink);

void collect_build(const BuildInfo& build, const FamilySink& sink);

} // namespace knell

#pragma once

#include "bench/report.hpp"

namespace knell::bench {

// Adds to the report how what was measured stands to what knell promises (docs/performance.md, "Targets"). Promises
// about what was not measured are left out.
void judge(Report& report);

} // namespace knell::bench

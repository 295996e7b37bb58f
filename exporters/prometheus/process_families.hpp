#pragma once

#include "exporters/prometheus/family_builder.hpp"

namespace knell {

// The process_* families about this process. What cannot be read is left out.
void collect_process(const FamilySink& sink);

} // namespace knell

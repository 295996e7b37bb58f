#pragma once

#include "exporters/prometheus/page/data.hpp"
#include "exporters/prometheus/page/severity_class.hpp"

#include <string>
#include <vector>

namespace knell {

// Something about the agent that a reader of its numbers has to know.
struct Concern {
    Severity severity = Severity::medium;
    std::string text;
};

// The worst first. None: every number on the page can be relied on.
std::vector<Concern> concerns(const PageData& data);

} // namespace knell

#pragma once

#include "agent/cause/reason.hpp"

#include <string_view>

namespace knell {

// The class that has the colour of a severity in page.css. It is never told by its colour alone.
constexpr std::string_view css_class(Severity severity) {
    switch (severity) {
    case Severity::none:
        return "calm";
    case Severity::medium:
        return "warn";
    case Severity::high:
        return "bad";
    case Severity::low:
        break;
    }
    return "plain";
}

} // namespace knell

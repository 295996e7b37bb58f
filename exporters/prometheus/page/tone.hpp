#pragma once

#include "agent/cause/reason.hpp"

#include <cstdint>
#include <string_view>

namespace knell {

// How alarming something is. Never told by its colour alone.
enum class Tone : std::uint8_t { calm, plain, warn, bad };

// The class that has its colour in page.css.
constexpr std::string_view css_class(Tone tone) {
    switch (tone) {
    case Tone::calm:
        return "calm";
    case Tone::warn:
        return "warn";
    case Tone::bad:
        return "bad";
    case Tone::plain:
        break;
    }
    return "plain";
}

constexpr Tone tone_of(Reason reason) {
    switch (reason) {
    case Reason::oom_kill:
    case Reason::seccomp:
    case Reason::crash:
        return Tone::bad;
    case Reason::pidns_teardown:
    case Reason::cgroup_kill:
    case Reason::parent_death:
    case Reason::signal:
        return Tone::warn;
    case Reason::success:
        return Tone::calm;
    case Reason::error:
    case Reason::unknown:
        break;
    }
    return Tone::plain;
}

} // namespace knell

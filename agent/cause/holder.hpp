#pragma once

#include "agent/cause/daemons.hpp"
#include "agent/cause/reason.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace knell {

// Who holds a pidfd: the killer classes without a victim to be kin to.
enum class HolderClass : std::uint8_t { self, init, container_runtime, container, host, unknown };
inline constexpr std::size_t kHolderClassCount = 6;
inline constexpr std::array<std::string_view, kHolderClassCount> kHolderClassNames = {
    "self", "init", "container_runtime", "container", "host", "unknown"};

// A process that holds a pidfd, and where it lived.
struct Holder {
    std::uint32_t pid = 0; // of the agent's pid namespace
    bool self = false;     // it is this agent
    bool place_known = false;
    Credentials credentials = {}; // outside_containers: only with place_known
};

inline constexpr std::string_view name(HolderClass value) {
    return name_of(kHolderClassNames, value);
}

// Pure; any thread.
HolderClass classify_holder(const Holder& holder);

} // namespace knell

#pragma once

#include "bpf/events.h"

#include <cstddef>
#include <span>
#include <variant>

namespace knell {

struct UndecodableRecord {};

// A record of the ring, in place: the pointer is valid as long as the bytes.
using Record =
    std::variant<UndecodableRecord, const knell_fork*, const knell_exec*, const knell_exit*, const knell_pidfd*>;

// Pure. Anything but exactly one known record (type, length, its own idea of its length, alignment to 8) is
// UndecodableRecord, for the caller to count.
Record decode(std::span<const std::byte> bytes);

} // namespace knell

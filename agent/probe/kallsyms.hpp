#pragma once

#include "agent/base/result.hpp"

#include <cstdint>
#include <string_view>

namespace knell {

struct AddressRange {
    std::uint64_t start = 0;
    std::uint64_t end = 0;
};

// Where a kernel function lies, from /proc/kallsyms: from its symbol to the next address. ENOENT: no such symbol (it
// may be inlined). EPERM: kernel.kptr_restrict or a missing CAP_SYSLOG shows addresses as 0.
Result<AddressRange> find_kernel_function(std::string_view name);

} // namespace knell

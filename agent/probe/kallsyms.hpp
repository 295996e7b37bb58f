#pragma once

#include "agent/base/result.hpp"

#include <cstdint>
#include <cstdio>
#include <span>
#include <string_view>
#include <vector>

namespace knell {

struct AddressRange {
    std::uint64_t start = 0; // 0 = no such symbol: it may be inlined
    std::uint64_t end = 0;   // the first address behind it
};

// Where symbols of the kernel lie, from /proc/kallsyms: from each to the next address, in the order of the names. Reads
// until all are found, which for an absent one is 50 ms. ENOENT: there is none of them. EPERM: kernel.kptr_restrict or
// a missing CAP_SYSLOG shows addresses as 0.
Result<std::vector<AddressRange>> find_kernel_symbols(std::span<const std::string_view> names);

// The same in a listing of that form, read from where it stands.
Result<std::vector<AddressRange>> find_symbols(std::FILE& listing, std::span<const std::string_view> names);

} // namespace knell

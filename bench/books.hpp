#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace knell::bench {

// What became of the exits that the kernel side saw, as a running agent exports it.
struct Books {
    std::uint64_t seen = 0;
    std::uint64_t delivered = 0;
    std::uint64_t spilled = 0;
    std::uint64_t unaccounted = 0;
    std::uint64_t counted = 0; // by reason, in all workloads

    // Nothing was lost silently, and all that was not lost is in the counters.
    [[nodiscard]] bool balanced() const {
        return seen == delivered + spilled + unaccounted && counted == delivered + spilled;
    }
};

// From the text of /metrics.
Books read_books(const std::string& metrics);

// Of all samples of a family; `label_value`: only those that have it in some label.
std::uint64_t sum_of(const std::string& metrics, std::string_view family, std::string_view label_value = {});

} // namespace knell::bench

#include "bench/books.hpp"

#include <cstdlib>
#include <sstream>

namespace knell::bench {

std::uint64_t sum_of(const std::string& metrics, std::string_view family, std::string_view label_value) {
    const std::string wanted = label_value.empty() ? "" : '"' + std::string(label_value) + '"';
    std::uint64_t sum = 0;
    std::istringstream lines(metrics);
    for (std::string line; std::getline(lines, line);) {
        const bool of_family = line.starts_with(family) && line.find_first_of("{ ") == family.size();
        if (of_family && line.find(wanted) != std::string::npos) {
            sum += std::strtoull(line.c_str() + line.rfind(' '), nullptr, 10);
        }
    }
    return sum;
}

Books read_books(const std::string& metrics) {
    return {.seen = sum_of(metrics, "knell_exits_seen_total"),
            .delivered = sum_of(metrics, "knell_exits_delivered_total"),
            .spilled = sum_of(metrics, "knell_exits_spilled_total"),
            .unaccounted = sum_of(metrics, "knell_exits_unaccounted_total"),
            .counted = sum_of(metrics, "knell_process_exits_total")};
}

} // namespace knell::bench

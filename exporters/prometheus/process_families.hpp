#pragma once

#include "agent/base/clock.hpp"
#include "exporters/prometheus/family_builder.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace knell {

// Fields of /proc/PID/stat (proc(5)).
struct ProcStat {
    std::uint64_t start_ticks = 0; // since boot, in clock ticks
    std::uint64_t virtual_bytes = 0;
    std::uint64_t resident_pages = 0;
};

// Nothing when the line is not what proc(5) says. The comm in it may hold spaces and parentheses.
std::optional<ProcStat> parse_proc_stat(std::string_view line);

// The process_* families about this process. What cannot be read is left out.
void collect_process(const FamilySink& sink);

} // namespace knell

#pragma once

#include "agent/cli/family_tally.hpp"

#include <optional>
#include <string>
#include <vector>

namespace knell {

// What `knell stat` tells of a command.
struct StatReport {
    std::vector<std::string> command;
    int status = 0; // as a shell has it
    Nanoseconds wall = 0;
    FamilyCounts family;
    Nanoseconds watched_from = 0; // processes that lived for so long were watched
    // Of the whole machine meanwhile; not 0: the counts above may lack some.
    std::uint64_t births_lost = 0;
    std::uint64_t exits_lost = 0;
    Nanoseconds cost_cpu = 0;            // ours, while the command ran
    std::optional<Nanoseconds> cost_bpf; // of the programs, for all processes of the machine; absent: not measured
};

// For a person. `command` may hold anything: it is escaped.
std::string to_table(const StatReport& report);
// One JSON object, on one line.
std::string to_json(const StatReport& report);

} // namespace knell

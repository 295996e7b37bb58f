#pragma once

#include "agent/base/clock.hpp"
#include "agent/base/result.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace knell::bench {

// What a BPF program of the machine took so far, by the kernel's run-time statistics (only while these are on).
struct ProgramTime {
    std::uint64_t id = 0;
    std::string name;
    std::uint64_t runs = 0;
    Nanoseconds time = 0;
};

// Of all programs of the machine, by bpftool.
Result<std::vector<ProgramTime>> program_times();

// What happened in between; programs that came or went are left out.
std::vector<ProgramTime> difference(const std::vector<ProgramTime>& before, const std::vector<ProgramTime>& after);

// Programs of `times` that are not among `others`.
std::vector<ProgramTime> without(std::vector<ProgramTime> times, const std::vector<ProgramTime>& others);

} // namespace knell::bench

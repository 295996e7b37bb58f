#include "bench/bpf_time.hpp"

#include "bench/program.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace knell::bench {

Result<std::vector<ProgramTime>> program_times() {
    const auto bpftool = installed("bpftool");
    if (!bpftool) {
        return failure("bpftool is not installed: BPF times are read with it");
    }
    const auto text = output_of({*bpftool, "--json", "prog", "show"});
    if (!text) {
        return std::unexpected(text.error());
    }
    const auto programs = nlohmann::json::parse(*text, nullptr, false);
    if (!programs.is_array()) {
        return failure("bpftool prog show: not a JSON array");
    }
    std::vector<ProgramTime> times;
    for (const auto& program : programs) {
        times.push_back({.id = program.value("id", std::uint64_t{0}),
                         .name = program.value("name", std::string()),
                         .runs = program.value("run_cnt", std::uint64_t{0}),
                         .time = program.value("run_time_ns", std::uint64_t{0})});
    }
    return times;
}

std::vector<ProgramTime> difference(const std::vector<ProgramTime>& before, const std::vector<ProgramTime>& after) {
    std::vector<ProgramTime> between;
    for (const ProgramTime& later : after) {
        const auto earlier = std::ranges::find(before, later.id, &ProgramTime::id);
        if (earlier != before.end()) {
            between.push_back({later.id, later.name, later.runs - earlier->runs, elapsed(earlier->time, later.time)});
        }
    }
    return between;
}

std::vector<ProgramTime> without(std::vector<ProgramTime> times, const std::vector<ProgramTime>& others) {
    std::erase_if(times, [&](const ProgramTime& program) {
        return std::ranges::find(others, program.id, &ProgramTime::id) != others.end();
    });
    return times;
}

} // namespace knell::bench

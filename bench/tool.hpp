#pragma once

#include "bench/books.hpp"
#include "bench/program.hpp"
#include "bench/report.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace knell::bench {

// A program that tells what ends on this machine: knell, or one of its peers.
struct Tool {
    std::string name;
    std::vector<std::string> argv; // empty: it is not here
    std::string why_absent;
    bool by_metrics = false; // its count is scraped; else each death is a line of its output
    std::string package;     // Debian's; empty: it is ours
};

// knell in two ways, exitsnoop (libbpf-tools), bpftrace, forkstat (the kernel's proc connector).
std::vector<Tool> all_tools();
// Those that are here and tell deaths; peers that do not are told as absent from `run`. Fails when knell does not.
Result<std::vector<Tool>> working_tools(const std::string& run, Report& report);

// The same, and where it can, it leaves to its successor what it has not told.
Tool surviving(Tool tool);

// A tool at work.
class RunningTool {
  public:
    // Returns when it has told a first death.
    static Result<RunningTool> start(const Tool& tool);

    [[nodiscard]] Background& process() { return process_; }
    // Waits until it has no more to do: its CPU clock stands still.
    void settle() const;
    // How many deaths of the workload it has told so far. Of tools that keep lines back, all are known after stop()
    // only. `unit`: where the workload ran.
    [[nodiscard]] Result<std::uint64_t> told(const std::string& unit) const;
    Result<> stop() { return process_.stop(); }
    // Of one that is scraped. Others die while we ask, so the books balance at most instants, not at all: asks until
    // they do, and fails when they never do.
    [[nodiscard]] Result<Books> balanced_books() const;

  private:
    RunningTool(const Tool& tool, Background process) : tool_(tool), process_(std::move(process)) {}
    [[nodiscard]] Result<std::string> metrics() const;
    [[nodiscard]] Result<bool> has_told_a_death() const;

    Tool tool_;
    Background process_;
};

} // namespace knell::bench

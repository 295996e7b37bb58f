#pragma once

#include "agent/base/clock.hpp"
#include "agent/base/result.hpp"
#include "agent/cause/reason.hpp"
#include "agent/cli/process_argument.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace knell {

// The commands of `knell`. Each returns when it is done; a failure's message is for the person who typed it.

struct RunArguments {
    std::string config_path; // empty: defaults
    std::string listen;      // empty: as configured
};
Result<> run_agent(const RunArguments& arguments);

struct TraceArguments {
    bool json = false;
    bool exits = true;
    bool execs = false;
    bool pidfds = false;
    std::optional<Nanoseconds> duration;
    std::uint64_t count = 0; // 0 = no limit
    std::vector<Reason> reasons;
    std::string comm_glob;
    std::string container_glob;
};
Result<> trace(const TraceArguments& arguments);

struct WaitArguments {
    bool json = false;
    std::vector<ProcessArgument> processes;
    std::optional<Nanoseconds> timeout;
};
// The shell's status of the process named last, or kTimedOut.
Result<int> wait_for_exits(const WaitArguments& arguments);

struct StatArguments {
    std::vector<std::string> command;
    bool json = false;
    bool bpf_time = false;     // measure the programs' time as well
    bool wait_for_all = false; // until the command's last descendant ended
    std::string output;        // a file; empty: standard error
};
// The shell's status of the command, 127 and 126 when it could not be started.
Result<int> stat(const StatArguments& arguments);

struct DoctorArguments {
    bool json = false;
};
Result<> doctor(const DoctorArguments& arguments);

Result<> check_config(const std::string& path);

// Removes what agents left pinned. `config_path` names the place (`state.pin`); empty: the default one.
Result<> unpin(const std::string& config_path);

} // namespace knell

#include "agent/cause/reason.hpp"
#include "agent/cli/commands.hpp"
#include "agent/cli/help.hpp"
#include "agent/cli/usage.hpp"
#include "agent/input/values.hpp"
#include "version.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdint>
#include <limits>
#include <memory>

namespace {

using namespace knell;

void add_run(CLI::App& app, Command& command) {
    auto arguments = std::make_shared<RunArguments>();
    CLI::App* run = app.add_subcommand("run", "Run the agent in the foreground: metrics over HTTP; at a terminal also "
                                              "the deaths as they happen");
    run->add_option("--config", arguments->config_path, "Configuration file (YAML); none is needed")->type_name("FILE");
    run->add_option("--listen", arguments->listen, "Where to serve metrics [127.0.0.1:9477]")->type_name("HOST:PORT");
    run->callback([arguments, &command] {
        if (!arguments->listen.empty()) {
            arguments->listen = checked(parse_listen(arguments->listen), "--listen");
        }
        command = [arguments] { return status_of(run_agent(*arguments)); };
    });
}

void add_trace(CLI::App& app, Command& command) {
    struct Raw {
        TraceArguments arguments;
        std::vector<std::string> events{"exit"};
        std::vector<std::string> reasons;
        std::string duration;
        std::string count;
    };
    auto raw = std::make_shared<Raw>();
    CLI::App* trace = app.add_subcommand("trace", "Show deaths as they happen; needs no running agent");
    trace->add_flag("--json", raw->arguments.json, "One JSON object a line");
    trace->add_option("--events", raw->events, "What to show: exit, exec, pidfd (who opens one to whom) [exit]")
        ->delimiter(',')
        ->check(one_of({"exit", "exec", "pidfd"}))
        ->type_name("KIND,..");
    trace->add_option("--for", raw->duration, "Stop after this long, such as 5s")->type_name("DURATION");
    trace->add_option("--count", raw->count, "Stop after this many events")->type_name("N");
    trace
        ->add_option("--reason", raw->reasons,
                     fmt::format("Only deaths with these reasons: {}", fmt::join(kReasonNames, ", ")))
        ->delimiter(',')
        ->type_name("REASON,..");
    trace->add_option("--comm", raw->arguments.comm_glob, "Only processes whose name matches")->type_name("GLOB");
    trace->add_option("--container", raw->arguments.container_glob, "Only containers whose name or id matches")
        ->type_name("GLOB");
    trace->callback([raw, &command] {
        if (!raw->duration.empty()) {
            raw->arguments.duration = checked(parse_duration(raw->duration, kLongestDuration), "--for");
            if (*raw->arguments.duration == 0) {
                throw CLI::ValidationError("--for", "0 shows nothing (write a longer time, like 5s)");
            }
        }
        if (!raw->count.empty()) {
            constexpr std::uint32_t kMost = std::numeric_limits<std::uint32_t>::max();
            raw->arguments.count = checked(parse_integer(raw->count, 1, kMost), "--count");
        }
        for (const std::string& reason : raw->reasons) {
            raw->arguments.reasons.push_back(checked(parse_reason(reason), "--reason"));
        }
        raw->arguments.exits = std::ranges::count(raw->events, "exit") > 0;
        raw->arguments.execs = std::ranges::count(raw->events, "exec") > 0;
        raw->arguments.pidfds = std::ranges::count(raw->events, "pidfd") > 0;
        command = [raw] { return status_of(knell::trace(raw->arguments)); };
    });
}

void add_wait(CLI::App& app, Command& command) {
    struct Raw {
        WaitArguments arguments;
        std::vector<std::string> processes;
        std::string timeout;
    };
    auto raw = std::make_shared<Raw>();
    CLI::App* wait =
        app.add_subcommand("wait", "Wait for processes that need not be children, and tell why each ended");
    wait->add_option("PROCESS", raw->processes, "PID, or PID:INODE as `pidctl info` shows it")
        ->required()
        ->type_name("");
    wait->add_flag("--json", raw->arguments.json, "Print the exit events, one JSON object a line");
    wait->add_option("--timeout", raw->timeout, "Wait no longer than this, such as 5s")->type_name("DURATION");
    wait->footer(
        "Exit status: that of the process named last (128 and the signal's number for a death by signal), 1 when "
        "it could not be told or nothing was waited for, 124 when the time was over first.");
    wait->callback([raw, &command] {
        for (const std::string& process : raw->processes) {
            raw->arguments.processes.push_back(checked(ProcessArgument::parse(process), "PROCESS"));
        }
        if (!raw->timeout.empty()) {
            raw->arguments.timeout = checked(parse_duration(raw->timeout, kLongestDuration), "--timeout");
        }
        command = [raw] { return wait_for_exits(raw->arguments); };
    });
}

void add_stat(CLI::App& app, Command& command, HelpFormatter& formatter) {
    auto arguments = std::make_shared<StatArguments>();
    CLI::App* stat = app.add_subcommand("stat", "Run a command and tell how its processes lived and died");
    formatter.runs_words(*stat);
    stat->add_option("COMMAND", arguments->command, "The command and its arguments, after --")
        ->required()
        ->type_name("");
    stat->add_flag("--json", arguments->json, "The report as one JSON object");
    stat->add_option("--output,-o", arguments->output, "Write the report to this file instead of standard error")
        ->type_name("FILE");
    stat->add_flag("--wait", arguments->wait_for_all, "Wait for all descendants, not for the command alone");
    stat->add_flag("--bpf-time", arguments->bpf_time,
                   "Measure the time of the BPF programs too, which makes them a little slower");
    stat->footer("Exit status: the command's (128 and the signal's number for a death by signal), 127 when it was not "
                 "found, 126 when it could not be executed.");
    stat->callback([arguments, &command] { command = [arguments] { return knell::stat(*arguments); }; });
}

void add_doctor(CLI::App& app, Command& command) {
    auto arguments = std::make_shared<DoctorArguments>();
    CLI::App* doctor =
        app.add_subcommand("doctor", "Say what this node supports, what is off, why, and what would turn "
                                     "it on");
    doctor->add_flag("--json", arguments->json, "Print JSON");
    doctor->callback([arguments, &command] { command = [arguments] { return status_of(knell::doctor(*arguments)); }; });
}

void add_check_config(CLI::App& app, Command& command) {
    auto path = std::make_shared<std::string>();
    CLI::App* check = app.add_subcommand("check-config", "Check a configuration file and say what is wrong, by line");
    check->add_option("FILE", *path, "The file")->required();
    check->callback([path, &command] { command = [path] { return status_of(check_config(*path)); }; });
}

void add_unpin(CLI::App& app, Command& command) {
    auto path = std::make_shared<std::string>();
    CLI::App* unpin =
        app.add_subcommand("unpin", "Remove what an agent left in the kernel when it ended: its programs, "
                                    "and the deaths that wait for the next agent");
    unpin->add_option("--config", *path, "The agent's configuration file, for state.pin")->type_name("FILE");
    unpin->callback([path, &command] { command = [path] { return status_of(knell::unpin(*path)); }; });
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app{"knell tells you why every process on a node died, who killed it, and how long it took anyone to "
                 "notice.\n",
                 "knell"};
    app.set_version_flag("--version", fmt::format("knell {} ({})\nlibbpf {}, liburing {}", KNELL_VERSION,
                                                  KNELL_REVISION, KNELL_LIBBPF_VERSION, KNELL_LIBURING_VERSION));
    app.require_subcommand(1);
    HelpFormatter& formatter = use_help_formatter(app);
    Command command;
    add_run(app, command);
    add_trace(app, command);
    add_wait(app, command);
    add_stat(app, command, formatter);
    add_doctor(app, command);
    add_check_config(app, command);
    add_unpin(app, command);
    add_help(app, command);
    // Last: the commands would show it, too.
    app.footer("Start with `knell doctor`, then `knell trace`. Both need root, or CAP_BPF and CAP_PERFMON.");
    const auto ended = parse_arguments(app, argc, argv);
    return ended ? *ended : run_command(app.get_name(), command);
}

#include "agent/base/log.hpp"
#include "agent/cli/commands.hpp"
#include "agent/config/problems.hpp"
#include "agent/config/values.hpp"
#include "version.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <limits>

namespace {

using namespace knell;

constexpr int kDone = 0;
constexpr int kFailed = 1;
constexpr int kUsage = 2;

// A value in the words of the configuration file; what is wrong with it is the option's error.
template <typename T>
T checked(Result<T> value, const std::string& option) {
    if (!value) {
        throw CLI::ValidationError(option, value.error().message);
    }
    return std::move(*value);
}

void add_run(CLI::App& app, std::function<Result<>()>& command) {
    auto arguments = std::make_shared<RunArguments>();
    CLI::App* run = app.add_subcommand("run", "Run the agent in the foreground: metrics over HTTP; at a terminal also "
                                              "the deaths as they happen");
    run->add_option("--config", arguments->config_path, "Configuration file (YAML); none is needed")->type_name("FILE");
    run->add_option("--listen", arguments->listen, "Where to serve metrics [127.0.0.1:9477]")->type_name("HOST:PORT");
    run->callback([arguments, &command] {
        if (!arguments->listen.empty()) {
            arguments->listen = checked(parse_listen(arguments->listen), "--listen");
        }
        command = [arguments] { return run_agent(*arguments); };
    });
}

void add_trace(CLI::App& app, std::function<Result<>()>& command) {
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
    trace->add_option("--events", raw->events, "What to show: exit, exec [exit]")
        ->delimiter(',')
        ->check(CLI::IsMember({"exit", "exec"}))
        ->type_name("KIND,..");
    trace->add_option("--for", raw->duration, "Stop after this long, such as 5s")->type_name("DURATION");
    trace->add_option("--count", raw->count, "Stop after this many events")->type_name("N");
    trace->add_option("--reason", raw->reasons, "Only deaths with these reasons, such as oom_kill,crash")
        ->delimiter(',')
        ->type_name("REASON,..");
    trace->add_option("--comm", raw->arguments.comm_glob, "Only processes whose name matches")->type_name("GLOB");
    trace->add_option("--container", raw->arguments.container_glob, "Only containers whose name or id matches")
        ->type_name("GLOB");
    trace->callback([raw, &command] {
        constexpr Nanoseconds kLongest = 365ULL * 86400 * kSecond;
        if (!raw->duration.empty()) {
            raw->arguments.duration = checked(parse_duration(raw->duration, kLongest), "--for");
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
        command = [raw] { return knell::trace(raw->arguments); };
    });
}

void add_doctor(CLI::App& app, std::function<Result<>()>& command) {
    auto arguments = std::make_shared<DoctorArguments>();
    CLI::App* doctor =
        app.add_subcommand("doctor", "Say what this node supports, what is off, why, and what would turn "
                                     "it on");
    doctor->add_flag("--json", arguments->json, "Print JSON");
    doctor->callback([arguments, &command] { command = [arguments] { return knell::doctor(*arguments); }; });
}

void add_check_config(CLI::App& app, std::function<Result<>()>& command) {
    auto path = std::make_shared<std::string>();
    CLI::App* check = app.add_subcommand("check-config", "Check a configuration file and say what is wrong, by line");
    check->add_option("FILE", *path, "The file")->required();
    check->callback([path, &command] { command = [path] { return check_config(*path); }; });
}

// CLI11 asks for a command before it says which word is none.
std::string what_is_wrong(const CLI::App& app, const CLI::ParseError& error) {
    if (!app.get_subcommands().empty()) {
        return error.what();
    }
    const std::vector<std::string> unknown = app.remaining();
    return unknown.empty() ? "a command is required"
                           : fmt::format("{} is neither a command nor an option", knell::quoted(unknown.front()));
}

int report_usage(const CLI::App& app, const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) { // --help, --version
        return app.exit(error) == 0 ? kDone : kFailed;
    }
    fmt::print(stderr, "knell: {}\nTry `knell help`.\n", what_is_wrong(app, error));
    return kUsage;
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app{"knell tells you why every process on a node died, who killed it, and how long it took anyone to "
                 "notice.\n",
                 "knell"};
    app.set_version_flag("--version", fmt::format("knell {} ({})\nlibbpf {}, liburing {}", KNELL_VERSION,
                                                  KNELL_REVISION, KNELL_LIBBPF_VERSION, KNELL_LIBURING_VERSION));
    app.require_subcommand(1);
    app.footer("Start with `knell doctor`, then `knell trace`. Both need root, or CAP_BPF and CAP_PERFMON.");
    std::function<Result<>()> command;
    add_run(app, command);
    add_trace(app, command);
    add_doctor(app, command);
    add_check_config(app, command);
    app.add_subcommand("help", "Show this help")->callback([&app, &command] {
        command = [&app] {
            // Not app.help(): that would be the help of the command `help`.
            fmt::print("{}", app.get_formatter()->make_help(&app, app.get_name(), CLI::AppFormatMode::Normal));
            return Result<>{};
        };
    });
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return report_usage(app, error);
    }
    if (auto done = command(); !done) {
        fmt::print(stderr, "knell: {}\n", done.error().message);
        return kFailed;
    }
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
        fmt::print(stderr, "knell: writing to standard output: {}\n", std::strerror(errno));
        return kFailed;
    }
    return kDone;
}

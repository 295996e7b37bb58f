#include "agent/cli/help.hpp"
#include "agent/pidctl/commands.hpp"
#include "agent/pidctl/output.hpp"
#include "agent/pidfd/features.hpp"
#include "version.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace knell;

PidfdFeatures features_named(const std::vector<std::string>& names) {
    PidfdFeatures features;
    for (std::size_t i = 0; i < kPidfdFeatureCount; ++i) {
        features.set(i, std::ranges::find(names, kPidfdFeatureNames[i]) != names.end());
    }
    return features;
}

// What `run` runs stands behind "--" and is cut off: the parser would find options and lists in it.
std::vector<std::string> cut_off_words(int& argc, char** argv) {
    const std::span<char*> all(argv, static_cast<std::size_t>(argc));
    const auto dashes = std::ranges::find(all, std::string_view("--"));
    if (dashes == all.end()) {
        return {};
    }
    argc = static_cast<int>(dashes - all.begin());
    return {dashes + 1, all.end()};
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app{
        "pidctl names, watches and controls processes by pidfd: what it acts on is the process that was meant, "
        "or nobody.\n",
        "pidctl"};
    app.set_version_flag("--version", fmt::format("pidctl {} ({})", KNELL_VERSION, KNELL_REVISION));
    app.require_subcommand(1);
    app.fallthrough();
    HelpFormatter& formatter = use_help_formatter(app);
    app.footer(
        "A process is named by its PID, or by PID:INODE as `pidctl info` shows it: then a later process with the "
        "same number is refused. Exit status: 0 done, 1 failed, 2 wrong usage; `wait` and `run` have more.");
    Invocation invocation;
    invocation.words = cut_off_words(argc, argv);
    std::vector<std::string> without;
    app.add_flag("--json", invocation.json, "Print one JSON object a line, failures too: {\"error\": {...}}");
    app.add_option("--without", without,
                   fmt::format("Behave as on a kernel without these features of pidfds: {}",
                               fmt::join(kPidfdFeatureNames, ", ")))
        ->delimiter(',')
        ->allow_extra_args(false) // what follows is a PROCESS
        ->check(one_of({kPidfdFeatureNames.begin(), kPidfdFeatureNames.end()}))
        ->type_name("FEATURE,..");
    add_inspect(app, invocation);
    add_pid_namespaces(app, invocation);
    add_signal(app, invocation);
    add_cat(app, invocation);
    add_wait(app, invocation);
    formatter.runs_words(add_run(app, invocation));
    add_help(app, invocation.command);
    app.final_callback([&] {
        if (!invocation.words.empty() && !app.got_subcommand("run")) {
            throw CLI::ValidationError("--", "only `run` takes a command line");
        }
    });
    if (const auto ended = parse_arguments(app, argc, argv)) {
        return *ended;
    }
    forgo(features_named(without));
    return run_command(app.get_name(), invocation.command, [&invocation](const Error& error) {
        if (invocation.json) {
            tell_machine(error, problem_of(error));
        }
    });
}

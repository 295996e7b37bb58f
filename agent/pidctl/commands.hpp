#pragma once

#include "agent/cli/usage.hpp"

#include <string>
#include <vector>

namespace knell {

// What the command line of `pidctl` asks for.
struct Invocation {
    bool json = false;
    std::vector<std::string> words; // behind "--": a command line to be run, not looked at by the parser
    Command command;
};

// The commands, in groups. Each declares its arguments and, when they were given and are right, sets the command.
// `invocation` is read when the command runs and outlives it.
void add_inspect(CLI::App& app, Invocation& invocation);        // info, namespaces
void add_pid_namespaces(CLI::App& app, Invocation& invocation); // translate, relation
void add_signal(CLI::App& app, Invocation& invocation);
void add_cat(CLI::App& app, Invocation& invocation);
void add_wait(CLI::App& app, Invocation& invocation);
// Returns the command.
const CLI::App& add_run(CLI::App& app, Invocation& invocation);

} // namespace knell

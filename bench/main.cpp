#include "bench/storm.hpp"
#include "bench/syscalls.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

int main(int argc, char** argv) {
    CLI::App app{"knell-bench measures what watching costs, on this machine. Needs root.", "knell-bench"};
    app.require_subcommand(1);
    knell::bench::StormOptions options;
    CLI::App* storm =
        app.add_subcommand("storm", "Fork and exit as fast as the machine can, with the agent and without");
    storm->add_option("--exits", options.exits, "Processes in all")->check(CLI::PositiveNumber);
    storm->add_option("--workers", options.workers, "Processes that fork at the same time")->check(CLI::Range(1, 1024));
    storm->add_option("--repetitions", options.repetitions, "Rounds")->check(CLI::Range(1, 100));
    knell::bench::SyscallOptions syscall_options;
    CLI::App* syscalls = app.add_subcommand("syscalls", "What observing pidfds costs every system call of the machine");
    syscalls->add_option("--calls", syscall_options.calls, "System calls in each round")->check(CLI::PositiveNumber);
    syscalls->add_option("--repetitions", syscall_options.repetitions, "Rounds")->check(CLI::Range(1, 100));
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    const auto done = *syscalls ? knell::bench::syscalls(syscall_options) : knell::bench::storm(options);
    if (!done) {
        fmt::print(stderr, "knell-bench: {}\n", done.error().message);
        return 1;
    }
    return 0;
}

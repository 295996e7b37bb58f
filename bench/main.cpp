#include "bench/storm.hpp"

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
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    if (auto done = knell::bench::storm(options); !done) {
        fmt::print(stderr, "knell-bench: {}\n", done.error().message);
        return 1;
    }
    return 0;
}

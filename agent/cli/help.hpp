#pragma once

#include "agent/cli/usage.hpp"

#include <CLI/CLI.hpp>

#include <set>
#include <string>

namespace knell {

// Help that fits a terminal of 80 columns.
class HelpFormatter final : public CLI::Formatter {
  public:
    // The usage of this command says that what it runs stands behind "--".
    void runs_words(const CLI::App& command) { runs_words_.insert(&command); }

    std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override;
    std::string make_usage(const CLI::App* app, std::string name) const override;

  private:
    std::set<const CLI::App*> runs_words_;
};

// For the program and all commands that are added after this; the program owns it.
HelpFormatter& use_help_formatter(CLI::App& app);

// The command `help`: that of the whole program, or of the command that is named.
void add_help(CLI::App& app, Command& command);

} // namespace knell

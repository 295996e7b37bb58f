#include "agent/cli/help.hpp"

#include "agent/input/quoted.hpp"

#include <fmt/format.h>

#include <memory>
#include <ranges>
#include <string_view>
#include <utility>

namespace knell {

std::string HelpFormatter::make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const {
    constexpr std::size_t kColumns = 80;
    std::string text;
    for (const auto part : std::views::split(CLI::Formatter::make_help(app, std::move(name), mode), '\n')) {
        const std::string line(part.begin(), part.end());
        // What describes options and commands stands in a column of its own.
        text += folded(line, kColumns, line.starts_with("  ") ? get_column_width() : 0) + '\n';
    }
    text.pop_back();
    return text;
}

std::string HelpFormatter::make_usage(const CLI::App* app, std::string name) const {
    std::string usage = CLI::Formatter::make_usage(app, std::move(name));
    if (!runs_words_.contains(app)) {
        return usage;
    }
    constexpr std::string_view kOptions = "[OPTIONS]";
    return usage.substr(0, usage.find(kOptions) + kOptions.size()) + " -- COMMAND [ARGUMENTS...]\n";
}

HelpFormatter& use_help_formatter(CLI::App& app) {
    const auto formatter = std::make_shared<HelpFormatter>();
    app.formatter(formatter);
    return *formatter;
}

void add_help(CLI::App& app, Command& command) {
    const auto name = std::make_shared<std::string>();
    CLI::App* help = app.add_subcommand("help", "Show this help, or that of a command");
    help->add_option("COMMAND", *name, "The command")->type_name("");
    help->callback([&app, &command, name] {
        const auto named = app.get_subcommands([&](const CLI::App* each) { return each->get_name() == *name; });
        if (!name->empty() && named.empty()) {
            throw CLI::ValidationError("COMMAND", knell::quoted(*name) + " is not a command");
        }
        command = [&app, about = name->empty() ? &app : named.front()] {
            // Not app.help(): that would be the help of the command `help`.
            const std::string parent = about == &app ? "" : app.get_name() + " ";
            fmt::print("{}",
                       app.get_formatter()->make_help(about, parent + about->get_name(), CLI::AppFormatMode::Normal));
            return Result<int>(kDone);
        };
    });
}

} // namespace knell

#include "agent/cli/usage.hpp"

#include "agent/base/text.hpp"
#include "agent/input/quoted.hpp"
#include "agent/input/values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <ranges>
#include <string_view>
#include <vector>

namespace knell {
namespace {

// CLI11 asks for a command before it says which word is none, and tells words that are too many from the last to the
// first.
std::string what_is_wrong(const CLI::App& app, const CLI::ParseError& error) {
    const std::vector<std::string> unknown = app.remaining(true);
    if (!app.get_subcommands().empty()) {
        const bool extra = error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError) && !unknown.empty();
        return extra ? fmt::format("{} is not expected here", knell::quoted(unknown.front())) : error.what();
    }
    return unknown.empty() ? "a command is required"
                           : fmt::format("{} is neither a command nor an option", knell::quoted(unknown.front()));
}

// Where the options of what was asked for are described.
std::string where_to_look(const CLI::App& app) {
    const std::vector<CLI::App*> commands = app.get_subcommands();
    return commands.empty() ? app.get_name() + " help"
                            : fmt::format("{} {} --help", app.get_name(), commands.front()->get_name());
}

Result<> flush_output() {
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
        return system_failure("writing to standard output", errno);
    }
    return {};
}

} // namespace

std::string printable(std::string_view message) {
    std::string text;
    for (const auto line : std::views::split(message, '\n')) {
        text += (text.empty() ? "" : "\n") + to_terminal(std::string_view(line));
    }
    return text;
}

std::string folded(std::string line, std::size_t columns, std::size_t indent) {
    std::string text;
    while (line.size() > columns) {
        const std::size_t space = line.rfind(' ', columns);
        if (space == std::string::npos || space < indent) {
            break;
        }
        text += line.substr(0, line.find_last_not_of(' ', space) + 1) + '\n';
        line = std::string(indent, ' ') + line.substr(space + 1);
    }
    return text + line;
}

int shell_status(std::optional<int> exit_code, int signal) {
    constexpr int kFirstOfSignals = 128;
    return signal != 0 ? kFirstOfSignals + signal : exit_code.value_or(kFailed);
}

CLI::Validator one_of(std::vector<std::string_view> words) {
    const auto check = [words = std::move(words)](const std::string& word) {
        return std::ranges::find(words, word) != words.end() ? std::string() : not_one_of(word, words);
    };
    return CLI::Validator(check, ""); // what the words are is said by the option's description
}

std::optional<int> parse_arguments(CLI::App& app, int argc, const char* const* argv) {
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) { // --help, --version
            return app.exit(error) == 0 ? kDone : kFailed;
        }
        fmt::print(stderr, "{}: {}\nTry `{}`.\n", app.get_name(), printable(what_is_wrong(app, error)),
                   where_to_look(app));
        return kUsage;
    }
    return std::nullopt;
}

int run_command(const std::string& program, const Command& command,
                const std::function<void(const Error&)>& tell_failure) {
    auto status = command();
    if (!status && tell_failure) {
        tell_failure(status.error());
    }
    if (auto flushed = flush_output(); !flushed && status) {
        status = std::unexpected(std::move(flushed.error()));
    }
    if (!status) {
        fmt::print(stderr, "{}: {}\n", program, printable(status.error().message));
        return kFailed;
    }
    return *status;
}

} // namespace knell

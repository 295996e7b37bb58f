#pragma once

#include "agent/base/clock.hpp"
#include "agent/base/result.hpp"

#include <CLI/CLI.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// What the command lines of this project have in common: how arguments are refused, and how a command ends.
namespace knell {

// Exit statuses. Commands that pass on the status of another process have more, and their help says which.
inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;
inline constexpr int kTimedOut = 124; // that of timeout(1)

// The longest time that may be asked for.
inline constexpr Nanoseconds kLongestDuration = 365ULL * 86400 * kSecond;

// What the arguments ask for, to be run when all of them are known to be right; returns the exit status.
using Command = std::function<Result<int>()>;

// For commands that are just done when they return.
inline Result<int> status_of(Result<> done) {
    return done ? Result<int>(kDone) : std::unexpected(std::move(done.error()));
}

// The status of a process as shells tell it: its exit code, or 128 and the number of the signal that it died of.
int shell_status(std::optional<int> exit_code, int signal);

// A message repeats what files and arguments are called; its lines are our own, one for each problem of a
// configuration.
std::string printable(std::string_view message);

// A line of ASCII in as many as it takes; all but the first begin at `indent`. A word that is longer than that stays
// whole.
std::string folded(std::string line, std::size_t columns, std::size_t indent);

// A value in the words that the configuration file uses, too; what is wrong with it is the option's error.
template <typename T>
T checked(Result<T> value, const std::string& option) {
    if (!value) {
        throw CLI::ValidationError(option, value.error().message);
    }
    return std::move(*value);
}

// For options that take one of a few words, which outlive it.
CLI::Validator one_of(std::vector<std::string_view> words);

// Parses the command line. A status: the program ends with it, everything is said (help, version, or what is wrong).
std::optional<int> parse_arguments(CLI::App& app, int argc, const char* const* argv);

// Runs the command; the exit status. A failure is told on standard error as "PROGRAM: MESSAGE", after `tell_failure`
// has told it in another way. Output that could not be written is a failure.
int run_command(const std::string& program, const Command& command,
                const std::function<void(const Error&)>& tell_failure = {});

} // namespace knell

#include "agent/pidctl/commands.hpp"
#include "agent/pidctl/output.hpp"
#include "agent/pidctl/subject.hpp"
#include "agent/pidfd/kill_on_close.hpp"
#include "agent/pidfd/pidfd.hpp"
#include "agent/pidfd/problem.hpp"
#include "agent/pidfd/spawn.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <functional>
#include <memory>

namespace knell {
namespace {

constexpr int kNotExecutable = 126; // as shells and env(1) say it
constexpr int kNotFound = 127;

struct RunArguments {
    bool kill_on_close = false;
    bool descendants = false;
};

// Signals that are taken here from now on, to be passed on.
struct TakenSignals {
    Fd fd;
    sigset_t mask_before{};

    static Result<TakenSignals> take() {
        sigset_t taken;
        ::sigemptyset(&taken);
        ::sigaddset(&taken, SIGINT);
        ::sigaddset(&taken, SIGTERM);
        // Ignored, as some parents leave it to us, the command would be reaped without telling how it ended.
        (void)std::signal(SIGCHLD, SIG_DFL);
        TakenSignals signals;
        if (const int error = ::pthread_sigmask(SIG_BLOCK, &taken, &signals.mask_before); error != 0) {
            return system_failure("blocking signals", error);
        }
        signals.fd = Fd(::signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK));
        return signals.fd ? Result<TakenSignals>(std::move(signals)) : system_failure("signalfd", errno);
    }
};

// What the terminal sends (Ctrl-C) is sent to the whole foreground process group: the command has it already.
bool is_for_us_alone(const signalfd_siginfo& signal) {
    return signal.ssi_code != SI_KERNEL;
}

void pass_on(const Fd& signals, const Pidfd& process) {
    signalfd_siginfo signal{};
    while (::read(signals.get(), &signal, sizeof(signal)) == sizeof(signal)) {
        if (!is_for_us_alone(signal)) {
            continue;
        }
        auto sent = process.send_signal(static_cast<int>(signal.ssi_signo));
        if (!sent && problem_of(sent.error()) != Problem::gone) {
            // A command that became another user goes on, and so does our wait for it.
            fmt::print(stderr, "pidctl: a signal is not passed on: {}\n", sent.error().message);
        }
    }
}

Result<> pass_on_until_end(const Fd& signals, const Pidfd& process) {
    std::array<pollfd, 2> fds{{{process.fd(), POLLIN, 0}, {signals.get(), POLLIN, 0}}};
    while (fds[0].revents == 0) {
        if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) {
            return system_failure("waiting for the command", errno);
        }
        pass_on(signals, process);
    }
    return {};
}

Result<int> see_it_end(const TakenSignals& signals, const Pidfd& process, bool json,
                       const std::function<Result<std::optional<int>>()>& wait) {
    const Subject subject = Subject::of(process);
    if (auto ended = pass_on_until_end(signals.fd, process); !ended) {
        return std::unexpected(std::move(ended.error()));
    }
    const auto status = wait();
    if (!status) {
        return std::unexpected(status.error());
    }
    const int wait_status = status->value(); // always: it was waited for without a limit
    if (json) {
        fmt::print("\n"); // the command may have left a line unfinished, on the same output
        Json object = Json::object();
        put_subject(object, subject);
        put_exit(object, wait_status);
        if (auto printed = print_json(object); !printed) {
            return std::unexpected(std::move(printed.error()));
        }
    }
    return WIFEXITED(wait_status) ? shell_status(WEXITSTATUS(wait_status), 0)
                                  : shell_status(std::nullopt, WTERMSIG(wait_status));
}

int status_of_not_started(int errno_value) {
    switch (errno_value) {
    case ENOENT:
        return kNotFound;
    case EACCES:
    case EPERM:
    case ENOEXEC:
    case ENOTDIR:
    case EISDIR:
    case ELOOP:
        return kNotExecutable;
    default:
        return kFailed;
    }
}

// There is no command to wait for. EACCES is exec's own here, not that something is hidden.
int tell_not_started(const Error& error, bool json) {
    const Problem problem = error.errno_value == EACCES ? Problem::no_permission : problem_of(error);
    return tell_failure(error, problem, json, status_of_not_started(error.errno_value));
}

Result<int> run(const RunArguments& arguments, const std::vector<std::string>& words, bool json) {
    const auto signals = TakenSignals::take();
    if (!signals) {
        return std::unexpected(signals.error());
    }
    SpawnOptions options;
    options.argv = words;
    options.signal_mask = signals->mask_before;
    if (!arguments.kill_on_close) {
        const auto child = Pidfd::spawn(options);
        return child ? see_it_end(*signals, *child, json, [&child] { return child->wait(); })
                     : tell_not_started(child.error(), json);
    }
    const auto scope = arguments.descendants ? KillOnClose::Scope::descendants : KillOnClose::Scope::process;
    auto tied = KillOnClose::spawn(options, scope);
    return tied ? see_it_end(*signals, tied->process(), json, [&tied] { return tied->wait(); })
                : tell_not_started(tied.error(), json);
}

} // namespace

const CLI::App& add_run(CLI::App& app, Invocation& invocation) {
    auto arguments = std::make_shared<RunArguments>();
    CLI::App* command = app.add_subcommand("run", "Run a command that can be tied to pidctl");
    CLI::Option* kill_on_close =
        command->add_flag("--kill-on-close", arguments->kill_on_close,
                          "The command is killed when pidctl ends, however it ends: by SIGKILL, too");
    command->add_flag("--descendants", arguments->descendants, "And everything that the command has started")
        ->needs(kill_on_close);
    command->footer(
        "SIGINT and SIGTERM are passed on. With --json, the last line of the output is how the command ended.\n"
        "Exit status: the command's (128 and the signal's number for a death by signal); 127 when it was not "
        "found, 126 when it is no program that may be run, 1 when pidctl failed.");
    command->callback([arguments, &invocation] {
        if (invocation.words.empty()) {
            throw CLI::ValidationError("run", "a command is required (write it behind --: pidctl run -- sleep 5)");
        }
        invocation.command = [arguments, &invocation] { return run(*arguments, invocation.words, invocation.json); };
    });
    return *command;
}

} // namespace knell

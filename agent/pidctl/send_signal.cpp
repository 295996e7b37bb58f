#include "agent/cause/reason.hpp"
#include "agent/cli/process_argument.hpp"
#include "agent/input/quoted.hpp"
#include "agent/input/values.hpp"
#include "agent/pidctl/commands.hpp"
#include "agent/pidctl/output.hpp"
#include "agent/pidctl/subject.hpp"
#include "agent/pidfd/pidfd.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cctype>
#include <csignal>
#include <memory>
#include <optional>

namespace knell {
namespace {

constexpr int kHighestSignal = _NSIG - 1;

// "TERM", "SIGTERM", "sigterm", "RTMIN+3", "15"; 0 only asks whether a signal could be sent.
Result<int> parse_signal(std::string_view text) {
    if (const auto number = parse_integer(text, 0, kHighestSignal)) {
        return static_cast<int>(*number);
    }
    std::string name;
    for (const char c : text) {
        name += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
    if (!name.starts_with("SIG")) {
        name.insert(0, "SIG");
    }
    for (int number = 1; number <= kHighestSignal; ++number) {
        if (name == signal_name(number)) {
            return number;
        }
    }
    return failure(fmt::format("{} is no signal (write a name like TERM or SIGTERM, or a number up to {})",
                               knell::quoted(text), kHighestSignal));
}

struct SignalArguments {
    int signal = 0;
    std::optional<ProcessArgument> process;
    SignalScope scope = SignalScope::as_opened;
};

// A number alone may be any thread's; a reference is always a process's, and its first thread is meant then.
std::optional<pid_t> thread_number(const SignalArguments& arguments) {
    return arguments.scope == SignalScope::thread ? arguments.process->number() : std::nullopt;
}

std::string_view name_of(SignalScope scope) {
    switch (scope) {
    case SignalScope::thread:
        return "thread";
    case SignalScope::process_group:
        return "process_group";
    default:
        return "process";
    }
}

Result<> send(const SignalArguments& arguments, bool json) {
    const auto tid = thread_number(arguments);
    const auto pidfd = tid ? Pidfd::open_thread(*tid) : arguments.process->open();
    if (!pidfd) {
        return std::unexpected(pidfd.error());
    }
    Json object = Json::object();
    if (tid) {
        object["tid"] = *tid;
    } else {
        put_subject(object, Subject::of(*pidfd)); // now: it may be gone as soon as it got the signal
    }
    if (auto sent = pidfd->send_signal(arguments.signal, arguments.scope); !sent) {
        return failure_in("process " + arguments.process->text(), std::move(sent.error()));
    }
    if (!json) {
        return {}; // as kill(1)
    }
    object["signal"] = arguments.signal != 0 ? signal_name(arguments.signal) : "0";
    object["scope"] = name_of(arguments.scope);
    return print_json(object);
}

} // namespace

void add_signal(CLI::App& app, Invocation& invocation) {
    struct Raw {
        std::string signal, process;
        bool thread = false, group = false;
    };
    auto raw = std::make_shared<Raw>();
    CLI::App* command = app.add_subcommand("signal", "Send a signal to a process, a thread or a process group");
    command->add_option("SIGNAL", raw->signal, "TERM, SIGTERM or 15; 0 only asks whether it may be sent")
        ->required()
        ->type_name("");
    command->add_option("PROCESS", raw->process, "PID or PID:INODE")->required()->type_name("");
    CLI::Option* thread = command->add_flag("--thread", raw->thread, "To this thread alone (PROCESS may be a TID)");
    command->add_flag("--group", raw->group, "To the whole process group that it leads")->excludes(thread);
    command->callback([raw, &invocation] {
        SignalArguments arguments;
        arguments.signal = checked(parse_signal(raw->signal), "SIGNAL");
        arguments.process = checked(ProcessArgument::parse(raw->process), "PROCESS");
        if (raw->thread || raw->group) {
            arguments.scope = raw->thread ? SignalScope::thread : SignalScope::process_group;
        }
        invocation.command = [arguments, &invocation] { return status_of(send(arguments, invocation.json)); };
    });
}

} // namespace knell

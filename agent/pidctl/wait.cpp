#include "agent/base/text.hpp"
#include "agent/cli/process_argument.hpp"
#include "agent/input/values.hpp"
#include "agent/pidctl/commands.hpp"
#include "agent/pidctl/output.hpp"
#include "agent/pidctl/subject.hpp"
#include "agent/pidfd/features.hpp"
#include "agent/pidfd/pidfd.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <vector>

namespace knell {
namespace {

struct WaitArguments {
    std::vector<ProcessArgument> processes;
    std::optional<Nanoseconds> timeout;
    ProcessState until = ProcessState::zombie;
};

struct Waiting {
    Pidfd pidfd;
    Subject subject; // while it can still be told
};

Result<std::vector<Waiting>> open_all(const std::vector<ProcessArgument>& processes) {
    std::vector<Waiting> opened;
    for (const ProcessArgument& process : processes) {
        auto pidfd = process.open();
        if (!pidfd) {
            return std::unexpected(std::move(pidfd.error()));
        }
        Subject subject = Subject::of(*pidfd);
        opened.push_back({std::move(*pidfd), std::move(subject)});
    }
    return opened;
}

Result<> tell(const Waiting& ended, ProcessState state, bool json) {
    const auto status = ended.pidfd.exit_status();
    if (json) {
        Json object = Json::object();
        put_subject(object, ended.subject);
        object["state"] = state == ProcessState::reaped ? "reaped" : "zombie";
        if (status) {
            put_exit(object, *status);
        }
        return print_json(object);
    }
    const Subject& subject = ended.subject;
    return print_line(fmt::format("{} {} {}", subject.process.empty() ? "-" : subject.process,
                                  subject.comm.empty() ? "-" : to_terminal(subject.comm),
                                  status ? exit_phrase(*status) : "ended, how is not known"));
}

// Tells those that have come so far and forgets them.
Result<> tell_ended(std::vector<Waiting>& waiting, ProcessState until, bool json) {
    for (auto one = waiting.begin(); one != waiting.end();) {
        const auto state = one->pidfd.poll(until, 0);
        if (!state) {
            return std::unexpected(state.error());
        }
        if (*state < until) {
            ++one;
            continue;
        }
        if (auto told = tell(*one, *state, json); !told) {
            return told;
        }
        one = waiting.erase(one);
    }
    return {};
}

// Sleeps until one of them may have come so far, or for `patience`.
Result<> sleep_for_any(const std::vector<Waiting>& waiting, ProcessState until, std::optional<Nanoseconds> patience) {
    // The end makes a pidfd readable; the reap hangs it up, which is told unasked. Before 6.9 nothing tells the reap.
    constexpr Nanoseconds kLookAgain = 20 * kMillisecond;
    if (until == ProcessState::reaped && !available(PidfdFeature::pidfs)) {
        patience = std::min(patience.value_or(kLookAgain), kLookAgain);
    }
    std::vector<pollfd> ends;
    ends.reserve(waiting.size());
    for (const Waiting& one : waiting) {
        ends.push_back({one.pidfd.fd(), static_cast<short>(until == ProcessState::zombie ? POLLIN : 0), 0});
    }
    const timespec span = to_timespec(patience.value_or(0));
    if (::ppoll(ends.data(), ends.size(), patience ? &span : nullptr, nullptr) < 0 && errno != EINTR) {
        return system_failure("waiting for processes", errno);
    }
    return {};
}

Result<int> wait_for_ends(const WaitArguments& arguments, bool json) {
    const Instant deadline = monotonic_now() + arguments.timeout.value_or(0);
    auto waiting = open_all(arguments.processes);
    if (!waiting) {
        return std::unexpected(std::move(waiting.error()));
    }
    for (;;) {
        if (auto told = tell_ended(*waiting, arguments.until, json); !told) {
            return std::unexpected(std::move(told.error()));
        }
        const auto left = arguments.timeout ? std::optional(elapsed(monotonic_now(), deadline)) : std::nullopt;
        if (waiting->empty() || left == Nanoseconds{0}) {
            break;
        }
        if (auto slept = sleep_for_any(*waiting, arguments.until, left); !slept) {
            return std::unexpected(std::move(slept.error()));
        }
    }
    if (waiting->empty()) {
        return kDone;
    }
    const Error late{fmt::format("{} of {} processes did not end in time", waiting->size(), arguments.processes.size()),
                     ETIMEDOUT};
    return tell_failure(late, Problem::other, json, kTimedOut);
}

} // namespace

void add_wait(CLI::App& app, Invocation& invocation) {
    struct Raw {
        std::vector<std::string> processes;
        std::string timeout;
        bool reaped = false;
    };
    auto raw = std::make_shared<Raw>();
    CLI::App* command = app.add_subcommand("wait", "Wait for the end of processes, which need not be children");
    command->add_option("PROCESS", raw->processes, "PID or PID:INODE")->required()->type_name("");
    command->add_option("--timeout", raw->timeout, "Wait no longer than this, such as 5s; 0s only looks")
        ->type_name("DURATION");
    command->add_flag("--reaped", raw->reaped, "Until their parents have collected them, too");
    command->footer(
        "Exit status: 0 when all have ended, however they did; 1 when it could not be told, or one of them did "
        "not exist; 124 when the time was over first.");
    command->callback([raw, &invocation] {
        WaitArguments arguments;
        for (const std::string& process : raw->processes) {
            arguments.processes.push_back(checked(ProcessArgument::parse(process), "PROCESS"));
        }
        if (!raw->timeout.empty()) {
            arguments.timeout = checked(parse_duration(raw->timeout, kLongestDuration), "--timeout");
        }
        arguments.until = raw->reaped ? ProcessState::reaped : ProcessState::zombie;
        invocation.command = [arguments, &invocation] { return wait_for_ends(arguments, invocation.json); };
    });
}

} // namespace knell

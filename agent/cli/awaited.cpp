#include "agent/cli/awaited.hpp"

#include "agent/cause/explain.hpp"
#include "agent/pidfd/info.hpp"
#include "agent/pidfd/procfd.hpp"
#include "agent/pidfd/stat.hpp"

#include <charconv>

namespace knell {
namespace {

// What cannot be read (hidepid, no /proc, reaped meanwhile) is not known; the wait does not depend on it.
ProcessIdentity identify(const Pidfd& pidfd) {
    ProcessIdentity process;
    if (const auto info = pidfd.info()) {
        process.pid = info->pid.value_or(0);
        process.ppid = info->ppid.value_or(0);
        if (info->credentials) {
            process.uid = info->credentials->ruid;
        }
    }
    const auto directory = procfd::open(pidfd);
    const auto stat = directory ? procfd::read_stat(*directory) : std::unexpected(directory.error());
    if (stat) {
        process.comm = stat->comm;
    }
    process.pidfd_inode = pidfd.inode().value_or(0);
    return process;
}

Result<Awaited> open_one(const ProcessArgument& argument) {
    auto pidfd = argument.open();
    if (!pidfd) {
        return std::unexpected(std::move(pidfd.error()));
    }
    const auto state = pidfd->poll(ProcessState::zombie, 0);
    if (!state) {
        return std::unexpected(state.error());
    }
    ProcessIdentity process = identify(*pidfd);
    if (process.pid == 0) {
        // Collected meanwhile: it is still who was asked for, by a number or by a reference that begins with one.
        const std::string& text = argument.text();
        (void)std::from_chars(text.data(), text.data() + text.size(), process.pid);
    }
    const bool ended_before = *state != ProcessState::running;
    return Awaited{argument.text(), std::move(*pidfd), std::move(process), ended_before, false, std::nullopt};
}

} // namespace

Result<std::vector<Awaited>> open_awaited(const std::vector<ProcessArgument>& arguments) {
    std::vector<Awaited> opened;
    for (const ProcessArgument& argument : arguments) {
        auto one = open_one(argument);
        if (!one) {
            return std::unexpected(std::move(one.error()));
        }
        opened.push_back(std::move(*one));
    }
    return opened;
}

// Without inodes (before 6.9) the number decides. That is no gamble: the end of the process reaches us by its record or
// by its pidfd, and the number cannot come round again before one of them does.
bool is_exit_of(const Exit& exit, const Awaited& awaited) {
    if (exit.process.pidfd_inode != 0 && awaited.process.pidfd_inode != 0) {
        return exit.process.pidfd_inode == awaited.process.pidfd_inode;
    }
    return exit.process.pid != 0 && exit.process.pid == awaited.process.pid;
}

Exit exit_by_pidfd(const Awaited& awaited, Instant time) {
    ExitFacts facts;
    facts.status = awaited.pidfd.exit_status();
    Exit exit;
    static_cast<Verdict&>(exit) = explain(facts); // nobody saw a killer
    exit.process = awaited.process;
    exit.time = time;
    return exit;
}

} // namespace knell

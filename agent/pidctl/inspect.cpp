#include "agent/base/text.hpp"
#include "agent/cause/reason.hpp"
#include "agent/cli/process_argument.hpp"
#include "agent/pidctl/commands.hpp"
#include "agent/pidctl/namespace_argument.hpp"
#include "agent/pidctl/output.hpp"
#include "agent/pidctl/subject.hpp"
#include "agent/pidfd/info.hpp"
#include "agent/pidfd/pidfd.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
#include <memory>
#include <optional>

namespace knell {
namespace {

std::string_view state_of(const ProcessInfo& info) {
    return info.reaped ? "reaped" : (info.zombie ? "zombie" : "running");
}

std::string_view name_of(ProcessInfo::CoreDump dump) {
    switch (dump) {
    case ProcessInfo::CoreDump::as_user:
        return "as_user";
    case ProcessInfo::CoreDump::as_root:
        return "as_root";
    }
    return "?";
}

template <typename T>
void put(Json& object, const char* key, const std::optional<T>& value) {
    if (value) {
        object[key] = *value;
    }
}

Json describe(const Subject& subject, const ProcessInfo& info, std::optional<int> exit_status) {
    Json object = Json::object();
    put_subject(object, subject);
    put(object, "tgid", info.tgid);
    put(object, "ppid", info.ppid);
    object["state"] = state_of(info);
    if (const auto& who = info.credentials) {
        object["uid"] = who->ruid;
        object["credentials"] = {{"ruid", who->ruid}, {"euid", who->euid}, {"suid", who->suid}, {"fsuid", who->fsuid},
                                 {"rgid", who->rgid}, {"egid", who->egid}, {"sgid", who->sgid}, {"fsgid", who->fsgid}};
    }
    put(object, "cgroup_id", info.cgroup_id);
    if (exit_status) {
        put_exit(object, *exit_status);
    }
    if (info.core_dump) {
        object["core_dump"] = name_of(*info.core_dump);
    }
    if (info.core_dump_signal) {
        object["core_dump_signal"] = signal_name(*info.core_dump_signal);
    }
    return object;
}

std::string text_of(const Subject& subject, const ProcessInfo& info, std::optional<int> exit_status) {
    std::string text;
    const auto add = [&text](std::string_view name, const std::string& value) {
        text += fmt::format("{}{:<12} {}", text.empty() ? "" : "\n", name, value.empty() ? "-" : value);
    };
    const auto number = [](const auto& value) { return value ? fmt::format("{}", *value) : std::string(); };
    add("process", subject.process);
    add("pid", number(subject.pid));
    add("comm", to_terminal(subject.comm));
    add("tgid", number(info.tgid));
    add("ppid", number(info.ppid));
    add("state", std::string(state_of(info)));
    if (const auto& who = info.credentials) {
        add("uid", fmt::format("{} (effective {}, saved {}, fs {})", who->ruid, who->euid, who->suid, who->fsuid));
        add("gid", fmt::format("{} (effective {}, saved {}, fs {})", who->rgid, who->egid, who->sgid, who->fsgid));
    }
    add("cgroup_id", number(info.cgroup_id));
    if (info.zombie || info.reaped) {
        add("ended", exit_status ? exit_phrase(*exit_status) : "");
    }
    if (info.core_dump) {
        add("core_dump", std::string(name_of(*info.core_dump)));
    }
    if (info.core_dump_signal) {
        add("core_signal", std::string(signal_name(*info.core_dump_signal)));
    }
    return text;
}

Result<> show_info(const ProcessArgument& process, bool json) {
    const auto pidfd = process.open();
    if (!pidfd) {
        return std::unexpected(pidfd.error());
    }
    const Subject subject = Subject::of(*pidfd);
    const auto info = pidfd->info();
    if (!info) {
        return failure_in("process " + process.text(), info.error());
    }
    const auto exit_status = info->zombie || info->reaped ? pidfd->exit_status() : std::nullopt;
    return json ? print_json(describe(subject, *info, exit_status)) : print_line(text_of(subject, *info, exit_status));
}

// As readlink of the file in /proc/PID/ns shows it: what children will be in is named like what they are in.
std::string_view word_of(NamespaceKind kind) {
    const std::string_view name = name_of(kind);
    return name.substr(0, name.find("_for_children"));
}

// One namespace of a process, or why it cannot be told.
struct Space {
    NamespaceKind kind;
    Result<std::string> text;
};

Result<std::vector<Space>> open_all(const Pidfd& pidfd) {
    constexpr std::array kKinds{NamespaceKind::cgroup, NamespaceKind::ipc,
                                NamespaceKind::mnt,    NamespaceKind::net,
                                NamespaceKind::pid,    NamespaceKind::pid_for_children,
                                NamespaceKind::time,   NamespaceKind::time_for_children,
                                NamespaceKind::user,   NamespaceKind::uts};
    std::vector<Space> spaces;
    bool any = false;
    for (const NamespaceKind kind : kKinds) {
        const auto space = pidfd.open_namespace(kind);
        spaces.push_back({kind, space ? namespace_text(*space, word_of(kind)) : std::unexpected(space.error())});
        any = any || spaces.back().text;
    }
    if (!any) { // then it is the process, not one of them
        return std::unexpected(spaces.front().text.error());
    }
    return spaces;
}

// A zombie has left most of its namespaces: that is an answer, not a failure.
Result<> show_namespaces(const ProcessArgument& process, bool json) {
    const auto pidfd = process.open();
    if (!pidfd) {
        return std::unexpected(pidfd.error());
    }
    const Subject subject = Subject::of(*pidfd);
    const auto spaces = open_all(*pidfd);
    if (!spaces) {
        return failure_in("process " + process.text(), spaces.error());
    }
    Json object = Json::object();
    put_subject(object, subject);
    std::string lines;
    for (const Space& space : *spaces) {
        const std::string kind(name_of(space.kind));
        if (space.text) {
            object["namespaces"][kind] = *space.text;
        } else {
            object["unavailable"][kind] = name_of(problem_of(space.text.error()));
        }
        lines += fmt::format("{}{:<17} {}", lines.empty() ? "" : "\n", kind,
                             space.text ? *space.text : fmt::format("- ({})", name_of(problem_of(space.text.error()))));
    }
    return json ? print_json(object) : print_line(lines);
}

// A command that takes one process.
void add_for_process(CLI::App& app, Invocation& invocation, const char* name, const char* does,
                     Result<> (*show)(const ProcessArgument&, bool json)) {
    auto text = std::make_shared<std::string>();
    CLI::App* command = app.add_subcommand(name, does);
    command->add_option("PROCESS", *text, "PID or PID:INODE")->required()->type_name("");
    command->callback([text, show, &invocation] {
        const auto process = checked(ProcessArgument::parse(*text), "PROCESS");
        invocation.command = [process, show, &invocation] { return status_of(show(process, invocation.json)); };
    });
}

} // namespace

void add_inspect(CLI::App& app, Invocation& invocation) {
    add_for_process(app, invocation, "info", "Show what the kernel tells of a process, and its PID:INODE", show_info);
    add_for_process(app, invocation, "namespaces", "Show the namespaces that a process is in", show_namespaces);
}

} // namespace knell

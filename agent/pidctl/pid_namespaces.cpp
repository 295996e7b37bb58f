#include "agent/cli/process_argument.hpp"
#include "agent/input/values.hpp"
#include "agent/pidctl/commands.hpp"
#include "agent/pidctl/namespace_argument.hpp"
#include "agent/pidctl/output.hpp"
#include "agent/pidfd/pidns.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <limits>
#include <memory>
#include <optional>

namespace knell {
namespace {

struct TranslateArguments {
    pid_t pid = 0;
    std::optional<NamespaceArgument> from; // absent: ours
    std::optional<NamespaceArgument> to;
};

Result<Fd> open_or_own(const std::optional<NamespaceArgument>& space) {
    return space ? space->open() : pidns::own();
}

// The ends of a question about two namespaces.
struct Two {
    Fd first;
    Fd second;
    std::string first_text;
    std::string second_text;
};

Result<Two> name_both(Result<Fd> first, Result<Fd> second) {
    for (Result<Fd>* space : {&first, &second}) {
        if (!*space) {
            return std::unexpected(std::move(space->error()));
        }
    }
    auto first_text = namespace_text(*first, "pid");
    auto second_text = namespace_text(*second, "pid");
    for (Result<std::string>* text : {&first_text, &second_text}) {
        if (!*text) {
            return std::unexpected(std::move(text->error()));
        }
    }
    return Two{std::move(*first), std::move(*second), std::move(*first_text), std::move(*second_text)};
}

Result<> translate(const TranslateArguments& arguments, bool json) {
    const auto spaces = name_both(open_or_own(arguments.from), open_or_own(arguments.to));
    if (!spaces) {
        return std::unexpected(spaces.error());
    }
    const auto number = pidns::translate(arguments.pid, spaces->first, spaces->second);
    if (!number) {
        return std::unexpected(number.error());
    }
    return json ? print_json({{"from", {{"namespace", spaces->first_text}, {"pid", arguments.pid}}},
                              {"to", {{"namespace", spaces->second_text}, {"pid", *number}}}})
                : print_line(fmt::format("{}", *number));
}

Result<> relation(const NamespaceArgument& a, const NamespaceArgument& b, bool json) {
    const auto spaces = name_both(a.open(), b.open());
    if (!spaces) {
        return std::unexpected(spaces.error());
    }
    const auto relation = pidns::relation(spaces->first, spaces->second);
    if (!relation) {
        return std::unexpected(relation.error());
    }
    const std::string name(pidns::name_of(*relation));
    return json ? print_json({{"first", spaces->first_text}, {"second", spaces->second_text}, {"relation", name}})
                : print_line(name);
}

void add_translate(CLI::App& app, Invocation& invocation) {
    struct Raw {
        std::string pid, from, to;
    };
    auto raw = std::make_shared<Raw>();
    CLI::App* command = app.add_subcommand("translate", "Tell the number of a process in another pid namespace");
    command->add_option("PID", raw->pid, "Its number in the namespace --from")->required()->type_name("");
    command->add_option("--from", raw->from, "Path like /proc/PID/ns/pid, PID or PID:INODE [ours]")->type_name("NS");
    command->add_option("--to", raw->to, "The same [ours]")->type_name("NS");
    command->callback([raw, &invocation] {
        TranslateArguments arguments;
        arguments.pid =
            static_cast<pid_t>(checked(parse_integer(raw->pid, 1, std::numeric_limits<pid_t>::max()), "PID"));
        if (!raw->from.empty()) {
            arguments.from = checked(NamespaceArgument::parse(raw->from), "--from");
        }
        if (!raw->to.empty()) {
            arguments.to = checked(NamespaceArgument::parse(raw->to), "--to");
        }
        invocation.command = [arguments, &invocation] { return status_of(translate(arguments, invocation.json)); };
    });
}

void add_relation(CLI::App& app, Invocation& invocation) {
    auto raw = std::make_shared<std::array<std::string, 2>>();
    CLI::App* command = app.add_subcommand("relation", "Tell how one pid namespace stands to another");
    command->footer(
        "Answers: same, ancestor (the first is above the second), descendant, unrelated, or undecidable (the "
        "way up leaves what may be seen from here).");
    command->add_option("NS", (*raw)[0], "Path like /proc/PID/ns/pid, PID or PID:INODE")->required()->type_name("");
    command->add_option("NS2", (*raw)[1], "The same")->required()->type_name("");
    command->callback([raw, &invocation] {
        const auto a = checked(NamespaceArgument::parse((*raw)[0]), "NS");
        const auto b = checked(NamespaceArgument::parse((*raw)[1]), "NS2");
        invocation.command = [a, b, &invocation] { return status_of(relation(a, b, invocation.json)); };
    });
}

} // namespace

void add_pid_namespaces(CLI::App& app, Invocation& invocation) {
    add_translate(app, invocation);
    add_relation(app, invocation);
}

} // namespace knell

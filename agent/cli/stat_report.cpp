#include "agent/cli/stat_report.hpp"

#include "agent/base/text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace knell {
namespace {

using Json = nlohmann::ordered_json;

std::string command_line(const StatReport& report) {
    std::string line;
    for (const std::string& word : report.command) {
        line += (line.empty() ? "" : " ") + to_terminal(word, 200);
    }
    return line;
}

// "110 success, 9 error"; the most important reason first.
std::string reasons_phrase(const FamilyCounts& family) {
    std::string phrase;
    for (std::size_t i = 0; i < kReasonCount; ++i) {
        if (family.reasons[i] != 0) {
            phrase += fmt::format("{}{} {}", phrase.empty() ? "" : ", ", family.reasons[i], kReasonNames[i]);
        }
    }
    return phrase;
}

void add_count(std::string& text, std::uint64_t count, std::string_view what, const std::string& more) {
    text += fmt::format("{:>12}  {:<16} {}", count, what, more);
    text.erase(text.find_last_not_of(' ') + 1);
    text += '\n';
}

void add_distribution(std::string& text, std::string_view what, const Distribution& durations) {
    if (durations.count() != 0) {
        text +=
            fmt::format("{:>12}  {:>9} {:>9} {:>9} {:>9}  {:>9}\n", what, format_duration(durations.percentile(0.5)),
                        format_duration(durations.percentile(0.9)), format_duration(durations.percentile(0.99)),
                        format_duration(durations.most()), durations.count());
    }
}

Json describe(const Distribution& durations) {
    if (durations.count() == 0) {
        return {{"count", 0}}; // 0 seconds would be a claim
    }
    return {{"count", durations.count()},
            {"mean", to_seconds(durations.mean())},
            {"p50", to_seconds(durations.percentile(0.5))},
            {"p90", to_seconds(durations.percentile(0.9))},
            {"p99", to_seconds(durations.percentile(0.99))},
            {"max", to_seconds(durations.most())}};
}

Json kills_of(const FamilyCounts& family) {
    Json kills = Json::array();
    for (const auto& [kill, count] : family.kills) {
        kills.push_back({{"signal", signal_name(kill.first)}, {"killer", name(kill.second)}, {"count", count}});
    }
    return kills;
}

} // namespace

std::string to_table(const StatReport& report) {
    const FamilyCounts& family = report.family;
    std::string text = fmt::format("\n Processes of '{}':\n\n", command_line(report));
    const std::uint64_t forks = family.processes == 0 ? 0 : family.processes - 1;
    add_count(text, family.processes, "processes", fmt::format("{} forked, {} exec", forks, family.execs));
    add_count(text, family.exits, "exits", reasons_phrase(family));
    for (const auto& [kill, count] : family.kills) {
        add_count(text, count, signal_name(kill.first), fmt::format("by {}", name(kill.second)));
    }
    if (family.still_running != 0) {
        add_count(text, family.still_running, "still running", "");
    }
    text += fmt::format("\n{:>12}  {:>9} {:>9} {:>9} {:>9}  {:>9}\n", "", "p50", "p90", "p99", "most", "processes");
    add_distribution(text, "lifetime", family.lifetime);
    add_distribution(text, "teardown", family.teardown);
    add_distribution(text, "reaction", family.reaction);
    add_distribution(text, "reap", family.reap);
    if (family.reaction.count() != family.exits) {
        text += fmt::format("{:>12}  teardown, reaction and reap: of those that lived for {} or longer\n", "",
                            format_duration(report.watched_from));
    }
    text += fmt::format("\n{:>12}  elapsed, until the command ended\n", format_duration(report.wall));
    text += fmt::format("{:>12}  user\n{:>12}  system\n", format_duration(family.user), format_duration(family.system));
    if (family.peak_rss_bytes != 0) {
        text += fmt::format("{:>8.1f} MiB  most memory of one process\n",
                            static_cast<double>(family.peak_rss_bytes) / (1 << 20));
    }
    text += fmt::format("{:>12}  of CPU for watching", format_duration(report.cost_cpu));
    if (report.cost_bpf) {
        text +=
            fmt::format(", and {} in the kernel, for all processes of the machine", format_duration(*report.cost_bpf));
    }
    text += '\n';
    if (report.births_lost != 0 || report.exits_lost != 0) {
        text += fmt::format("\n NOT EXACT: {} births and {} exits of the machine came faster than they could be read\n",
                            report.births_lost, report.exits_lost);
    }
    return text + '\n';
}

std::string to_json(const StatReport& report) {
    const FamilyCounts& family = report.family;
    Json json = Json::object();
    Json words = Json::array();
    for (const std::string& word : report.command) {
        words.push_back(to_utf8(word));
    }
    json["command"] = std::move(words);
    json["status"] = report.status;
    json["wall_seconds"] = to_seconds(report.wall);
    json["exact"] = report.births_lost == 0 && report.exits_lost == 0;
    json["processes"] = family.processes;
    json["forks"] = family.processes == 0 ? 0 : family.processes - 1;
    json["execs"] = family.execs;
    json["exits"] = family.exits;
    json["still_running"] = family.still_running;
    Json reasons = Json::object();
    for (std::size_t i = 0; i < kReasonCount; ++i) {
        reasons[std::string(kReasonNames[i])] = family.reasons[i];
    }
    json["reasons"] = std::move(reasons);
    json["kills"] = kills_of(family);
    json["lifetime_seconds"] = describe(family.lifetime);
    json["teardown_seconds"] = describe(family.teardown);
    json["reaction_seconds"] = describe(family.reaction);
    json["reap_seconds"] = describe(family.reap);
    json["user_seconds"] = to_seconds(family.user);
    json["system_seconds"] = to_seconds(family.system);
    if (family.peak_rss_bytes != 0) {
        json["peak_rss_bytes"] = family.peak_rss_bytes;
    }
    json["minor_faults"] = family.minor_faults;
    json["major_faults"] = family.major_faults;
    json["cost_cpu_seconds"] = to_seconds(report.cost_cpu);
    if (report.cost_bpf) {
        json["cost_bpf_seconds"] = to_seconds(*report.cost_bpf);
    }
    json["births_lost"] = report.births_lost;
    json["exits_lost"] = report.exits_lost;
    return json.dump() + '\n';
}

} // namespace knell

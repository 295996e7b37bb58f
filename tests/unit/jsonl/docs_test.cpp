// docs/events.md lists exactly the fields that events have.

#include "agent/base/file.hpp"
#include "exporters/jsonl/event_json.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <csignal>
#include <memory>
#include <regex>
#include <set>
#include <string>
#include <utility>

namespace knell {
namespace {

// The keys of an object and "key.inner" of those inside of it. The opener's are those of every process.
void collect_fields(const nlohmann::json& object, const std::string& prefix, std::set<std::string>& fields) {
    for (const auto& [key, value] : object.items()) {
        fields.insert(prefix + key);
        if (value.is_object()) {
            collect_fields(value, key == "opener" ? "" : prefix + key + ".", fields);
        }
    }
}

ProcessIdentity known_process() {
    const Place place{.cgroup = "c",
                      .name_space = "n",
                      .pod = "p",
                      .pod_uid = "u",
                      .container = "c",
                      .container_id = "i",
                      .unit = "u"};
    return {.pid = 1,
            .ppid = 1,
            .uid = 0,
            .comm = "c",
            .start = 1,
            .pidfd_inode = 1,
            .place = std::make_shared<const Place>(place)};
}

// Events that have everything to say.
std::set<std::string> fields_of_events() {
    Exit exit;
    exit.process = known_process();
    exit.time = 2;
    exit.exit_code = 0;
    exit.signal = SIGKILL;
    exit.oom_scope = OomScope::memcg;
    exit.killer = Killer{.kind = KillerClass::host, .pid = 1, .uid = 0, .comm = "c", .exe = "e"};
    exit.preceded_by = SIGTERM;
    exit.resources = Resources{.user = 1, .system = 1, .peak_rss_bytes = 1, .minor_faults = 1, .major_faults = 1};
    exit.exe = "e";
    exit.teardown = 1;
    exit.reaction = 1;
    exit.spilled = 1;
    Reap reap{.process = known_process(), .time = 2, .reap = 1};
    Exec exec{.process = known_process(), .time = 2};
    PidfdOpen open{.process = known_process(),
                   .time = 2,
                   .target_pid = 1,
                   .target_inode = 1,
                   .target_comm = "c",
                   .via = PidfdVia::clone};
    std::set<std::string> fields;
    for (const Event& event : {Event(exit), Event(reap), Event(exec), Event(open)}) {
        collect_fields(nlohmann::json::parse(to_json(event)), "", fields);
    }
    return fields;
}

std::set<std::string> documented_fields() {
    const auto text = read_small_file(AT_FDCWD, KNELL_SOURCE_DIR "/docs/events.md", 1U << 20);
    EXPECT_TRUE(text.has_value());
    // The first table is of the kinds of events.
    const std::string content = text ? text->substr(text->find("\n## ")) : "";
    const std::regex row("\\n\\| ([a-z_.]+) \\|");
    std::set<std::string> fields;
    for (auto match = std::sregex_iterator(content.begin(), content.end(), row); match != std::sregex_iterator();
         ++match) {
        if ((*match)[1] != "field") {
            fields.insert((*match)[1]);
        }
    }
    return fields;
}

TEST(Docs, EventsPageListsEveryField) {
    EXPECT_EQ(fields_of_events(), documented_fields());
}

} // namespace
} // namespace knell

#include "exporters/jsonl/event_json.hpp"

#include "agent/base/text.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <csignal>
#include <memory>
#include <ostream>
#include <string>
#include <utility>

namespace knell {
namespace {

using nlohmann::json;

constexpr Instant kStart = 1000 * kSecond;
constexpr Instant kTime = kStart + 2500 * kMillisecond;

std::string time_text(Instant instant) {
    return format_rfc3339(to_unix_ns(instant));
}

ProcessIdentity nginx() {
    Place place;
    place.cgroup = "/kubepods/pod1/c1";
    place.name_space = "shop";
    place.pod = "web-7d9f";
    place.pod_uid = "11111111-2222";
    place.container = "nginx";
    place.container_id = "abcdef";
    ProcessIdentity process;
    process.pid = 4711;
    process.ppid = 4700;
    process.uid = 101;
    process.comm = "nginx";
    process.start = kStart;
    process.pidfd_inode = 8123;
    process.place = std::make_shared<const Place>(std::move(place));
    return process;
}

TEST(EventJson, AFullExit) {
    Exit exit;
    exit.process = nginx();
    exit.time = kTime;
    exit.reason = Reason::oom_kill;
    exit.signal = SIGKILL;
    exit.oom_scope = OomScope::memcg;
    exit.killer = Killer{.kind = KillerClass::kernel, .pid = {}, .uid = {}, .comm = ""};
    exit.since_stop_request = 5 * kSecond;
    exit.exe = "nginx-debug";
    exit.resources = Resources{.user = 1250 * kMillisecond,
                               .system = 500 * kMillisecond,
                               .peak_rss_bytes = 64 << 20,
                               .minor_faults = 1234,
                               .major_faults = 0};
    exit.teardown = 1500 * kMicrosecond;
    exit.reaction = 17 * kMicrosecond;
    EXPECT_EQ(json::parse(to_json(exit)), json({{"time", time_text(kTime)},
                                                {"event", "exit"},
                                                {"pid", 4711},
                                                {"ppid", 4700},
                                                {"uid", 101},
                                                {"comm", "nginx"},
                                                {"start_time", time_text(kStart)},
                                                {"exe", "nginx-debug"},
                                                {"lifetime_seconds", 2.5},
                                                {"reason", "oom_kill"},
                                                {"signal", "SIGKILL"},
                                                {"core_dumped", false},
                                                {"oom_scope", "memcg"},
                                                {"killer", {{"class", "kernel"}}},
                                                {"user_seconds", 1.25},
                                                {"system_seconds", 0.5},
                                                {"peak_rss_bytes", 67108864},
                                                {"minor_faults", 1234},
                                                {"major_faults", 0},
                                                {"cgroup", "/kubepods/pod1/c1"},
                                                {"namespace", "shop"},
                                                {"pod", "web-7d9f"},
                                                {"container", "nginx"},
                                                {"pidfd_inode", 8123},
                                                {"teardown_seconds", 0.0015},
                                                {"reaction_seconds", 17e-6},
                                                {"detail", "full"}}));
}

TEST(EventJson, TimeAndEventComeFirst) {
    Exit exit;
    exit.time = kTime;
    EXPECT_EQ(to_json(exit),
              "{\"time\":\"" + time_text(kTime) + "\",\"event\":\"exit\",\"reason\":\"unknown\",\"detail\":\"full\"}");
}

TEST(EventJson, AKillerWithAName) {
    Exit exit;
    exit.reason = Reason::signal;
    exit.signal = SIGTERM;
    exit.killer = Killer{.kind = KillerClass::host, .pid = 4242, .uid = 0, .comm = "bash", .exe = "dash"};
    EXPECT_EQ(json::parse(to_json(exit)),
              json({{"event", "exit"},
                    {"reason", "signal"},
                    {"signal", "SIGTERM"},
                    {"core_dumped", false},
                    {"killer", {{"pid", 4242}, {"comm", "bash"}, {"exe", "dash"}, {"uid", 0}, {"class", "host"}}},
                    {"detail", "full"}}));
}

TEST(EventJson, ANormalExitAfterAStopRequest) {
    Exit exit;
    Place place;
    place.unit = "nginx.service";
    exit.process.uid = 0;
    exit.process.place = std::make_shared<const Place>(std::move(place));
    exit.reason = Reason::success;
    exit.exit_code = 0;
    exit.preceded_by = SIGTERM;
    EXPECT_EQ(json::parse(to_json(exit)), json({{"event", "exit"},
                                                {"uid", 0},
                                                {"reason", "success"},
                                                {"exit_code", 0},
                                                {"preceded_by", "SIGTERM"},
                                                {"unit", "nginx.service"},
                                                {"detail", "full"}}));
}

TEST(EventJson, ASpilledCrashHasOnlyWhatWasCounted) {
    Exit exit;
    exit.reason = Reason::crash;
    exit.signal = SIGSEGV;
    exit.core_dumped = true;
    exit.spilled = 12;
    EXPECT_EQ(json::parse(to_json(exit)), json({{"event", "exit"},
                                                {"reason", "crash"},
                                                {"signal", "SIGSEGV"},
                                                {"core_dumped", true},
                                                {"detail", "spilled"},
                                                {"count", 12}}));
}

TEST(EventJson, AReapNamesTheSameProcessAsItsExit) {
    Exit exit;
    exit.process = nginx();
    exit.time = kTime;
    Reap reap;
    reap.process = nginx();
    reap.time = kTime + kSecond;
    reap.reap = 750 * kMillisecond;
    const json exit_line = json::parse(to_json(exit));
    const json reap_line = json::parse(to_json(reap));
    EXPECT_EQ(reap_line.at("event"), "reap");
    EXPECT_EQ(reap_line.at("reap_seconds"), 0.75);
    EXPECT_EQ(reap_line.at("time"), time_text(kTime + kSecond));
    for (const char* key : {"pid", "start_time", "comm", "pidfd_inode", "namespace", "pod", "container"}) {
        EXPECT_EQ(reap_line.at(key), exit_line.at(key)) << key;
    }
    EXPECT_FALSE(reap_line.contains("reason"));
    EXPECT_FALSE(reap_line.contains("detail"));
}

TEST(EventJson, AnExec) {
    Exec exec;
    exec.process = nginx();
    exec.process.place = nullptr;
    exec.time = kTime;
    EXPECT_EQ(json::parse(to_json(exec)), json({{"time", time_text(kTime)},
                                                {"event", "exec"},
                                                {"pid", 4711},
                                                {"ppid", 4700},
                                                {"uid", 101},
                                                {"comm", "nginx"},
                                                {"start_time", time_text(kStart)},
                                                {"pidfd_inode", 8123}}));
}

TEST(EventJson, AProcessWithoutMemoryOfItsOwnHasNoPeak) {
    Exit exit;
    exit.resources = Resources{.user = kSecond, .system = 0, .peak_rss_bytes = 0, .minor_faults = 0, .major_faults = 0};
    EXPECT_EQ(json::parse(to_json(exit)), json({{"event", "exit"},
                                                {"reason", "unknown"},
                                                {"user_seconds", 1.0},
                                                {"system_seconds", 0.0},
                                                {"minor_faults", 0},
                                                {"major_faults", 0},
                                                {"detail", "full"}}));
}

TEST(EventJson, APidfdOpen) {
    PidfdOpen open;
    open.process = nginx();
    open.time = kTime;
    open.target_pid = 17;
    open.target_inode = 99;
    open.target_comm = "redis";
    open.via = PidfdVia::clone;
    EXPECT_EQ(json::parse(to_json(open)), json({{"time", time_text(kTime)},
                                                {"event", "pidfd_open"},
                                                {"opener",
                                                 {{"pid", 4711},
                                                  {"ppid", 4700},
                                                  {"uid", 101},
                                                  {"comm", "nginx"},
                                                  {"start_time", time_text(kStart)},
                                                  {"cgroup", "/kubepods/pod1/c1"},
                                                  {"namespace", "shop"},
                                                  {"pod", "web-7d9f"},
                                                  {"container", "nginx"},
                                                  {"pidfd_inode", 8123}}},
                                                {"target", {{"pid", 17}, {"comm", "redis"}, {"pidfd_inode", 99}}},
                                                {"via", "clone"}}));
}

TEST(EventJson, APidfdOfAnUnknownTarget) {
    PidfdOpen open;
    open.target_pid = 17;
    EXPECT_EQ(json::parse(to_json(open)),
              json({{"event", "pidfd_open"}, {"opener", json::object()}, {"target", {{"pid", 17}}}, {"via", "other"}}));
}

struct Hostile {
    const char* name;
    const char* bytes;
    const char* text;
};

void PrintTo(const Hostile& row, std::ostream* out) {
    *out << row.name;
}

class EventJsonHostile : public testing::TestWithParam<Hostile> {};

TEST_P(EventJsonHostile, TextStaysOneLineOfValidJson) {
    Exit exit;
    exit.process.comm = GetParam().bytes;
    exit.exe = GetParam().bytes;
    exit.killer =
        Killer{.kind = KillerClass::host, .pid = 1, .uid = 1, .comm = GetParam().bytes, .exe = GetParam().bytes};
    const std::string line = to_json(exit);
    EXPECT_EQ(line.find('\n'), std::string::npos);
    const json parsed = json::parse(line);
    EXPECT_EQ(parsed.at("comm"), GetParam().text);
    EXPECT_EQ(parsed.at("exe"), GetParam().text);
    EXPECT_EQ(parsed.at("killer").at("comm"), GetParam().text);
    EXPECT_EQ(parsed.at("killer").at("exe"), GetParam().text);
}

INSTANTIATE_TEST_SUITE_P(Comms, EventJsonHostile,
                         testing::Values(Hostile{"newline", "a\nb", "a\nb"}, Hostile{"escape", "\x1b[31m", "\x1b[31m"},
                                         Hostile{"quotes", "q\"\\", "q\"\\"},
                                         Hostile{"invalid", "\xff\xfe", "\uFFFD\uFFFD"},
                                         Hostile{"truncated", "ok\xe6\xbc", "ok\uFFFD"},
                                         Hostile{"wide", "\u6f22\u5b57", "\u6f22\u5b57"},
                                         Hostile{"control", "\x7f\x01", "\x7f\x01"}));

} // namespace
} // namespace knell

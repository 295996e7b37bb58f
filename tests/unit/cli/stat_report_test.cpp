#include "agent/base/file.hpp"
#include "agent/cli/stat_report.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <csignal>

namespace knell {
namespace {

using testing::HasSubstr;
using testing::Not;

StatReport report() {
    StatReport report;
    report.command = {"make", "-j2"};
    report.status = 2;
    report.wall = 1500 * kMillisecond;
    report.watched_from = 10 * kMillisecond;
    report.family.processes = 12;
    report.family.execs = 9;
    report.family.exits = 11;
    report.family.still_running = 1;
    report.family.reasons[static_cast<std::size_t>(Reason::success)] = 10;
    report.family.reasons[static_cast<std::size_t>(Reason::signal)] = 1;
    report.family.kills[{SIGKILL, KillerClass::parent}] = 1;
    for (int i = 0; i < 11; ++i) {
        report.family.lifetime.add(2 * kMillisecond);
    }
    report.family.reap.add(70 * kMicrosecond);
    report.family.peak_rss_bytes = 3 << 20;
    report.cost_cpu = 4 * kMillisecond;
    return report;
}

TEST(StatReport, TheTable) {
    const std::string table = to_table(report());
    for (const char* part :
         {"Processes of 'make -j2':", "12  processes        11 forked, 9 exec",
          "11  exits            1 signal, 10 success", "1  SIGKILL          by parent", "1  still running\n",
          "1.50s  elapsed", "3.0 MiB  most memory", "4.00ms  of CPU", "of those that lived for 10.0ms or longer"}) {
        EXPECT_THAT(table, HasSubstr(part));
    }
    EXPECT_THAT(table, Not(HasSubstr("NOT EXACT")));
    EXPECT_THAT(table, Not(HasSubstr("teardown  "))) << "there is no sample of it";
    EXPECT_THAT(table, Not(HasSubstr(" \n"))) << "no blanks at the end of a line";
}

TEST(StatReport, TheJson) {
    const auto json = nlohmann::json::parse(to_json(report()));
    EXPECT_EQ(json["command"], nlohmann::json({"make", "-j2"}));
    EXPECT_EQ(json["status"], 2);
    EXPECT_EQ(json["exact"], true);
    EXPECT_EQ(json["processes"], 12);
    EXPECT_EQ(json["forks"], 11);
    EXPECT_EQ(json["reasons"]["success"], 10);
    EXPECT_EQ(json["reasons"]["oom_kill"], 0);
    EXPECT_EQ(json["kills"][0]["signal"], "SIGKILL");
    EXPECT_EQ(json["kills"][0]["killer"], "parent");
    EXPECT_EQ(json["lifetime_seconds"]["count"], 11);
    EXPECT_DOUBLE_EQ(json["lifetime_seconds"]["max"].get<double>(), 0.002);
    EXPECT_EQ(json["teardown_seconds"], nlohmann::json({{"count", 0}})) << "there is no sample of it";
    EXPECT_FALSE(json.contains("cost_bpf_seconds"));
}

TEST(StatReport, EveryKeyIsDocumented) {
    StatReport full = report();
    full.cost_bpf = 5 * kMicrosecond;
    const auto page = read_small_file(AT_FDCWD, KNELL_SOURCE_DIR "/docs/stat.md", 1U << 20);
    ASSERT_TRUE(page) << page.error().message;
    const auto json = nlohmann::json::parse(to_json(full));
    for (const auto& [key, value] : json.items()) {
        EXPECT_THAT(*page, HasSubstr("| " + key + " |"));
    }
}

TEST(StatReport, SaysWhatItMayLack) {
    StatReport inexact = report();
    inexact.exits_lost = 3;
    inexact.cost_bpf = 5 * kMicrosecond;
    EXPECT_THAT(to_table(inexact), HasSubstr("NOT EXACT: 0 births and 3 exits"));
    EXPECT_THAT(to_table(inexact), HasSubstr("5.00us in the kernel"));
    EXPECT_EQ(nlohmann::json::parse(to_json(inexact))["exact"], false);
}

TEST(StatReport, ACommandCannotDriveTheTerminal) {
    StatReport hostile = report();
    hostile.command = {"printf", "\x1b[31m\n", "\xff"};
    EXPECT_THAT(to_table(hostile), HasSubstr("'printf \\x1b[31m\\x0a "));
    EXPECT_TRUE(nlohmann::json::accept(to_json(hostile)));
}

} // namespace
} // namespace knell

#include "exporters/prometheus/page/concerns.hpp"
#include "exporters/prometheus/page/html.hpp"
#include "exporters/prometheus/page/page.hpp"
#include "tests/unit/ledger/samples.hpp"
#include "tests/unit/prometheus/fixtures.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <regex>
#include <set>

namespace knell {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Of an agent about which nothing has to be said.
Status healthy_status() {
    Status status;
    status.ready = true;
    status.bpf = true;
    status.kernel.exits_seen = 1234567;
    status.kernel.exits_delivered = 1234567;
    status.ring_capacity_bytes = 8 << 20;
    status.watch_capacity = 65536;
    status.loop_backend = "io_uring";
    status.features = {{.name = "exit", .hook = "tp_btf/sched_process_exit", .why_not = {}, .remedy = {}}};
    return status;
}

PageData page_of(Status status) {
    PageData data;
    data.node = "node-1";
    data.status = std::move(status);
    data.build = kTestBuild;
    data.recent.now = 100 * kSecond;
    data.recent.start = 40 * kSecond;
    data.now_unix_ns = 1'700'000'000 * kSecond; // 2023-11-14T22:13:20Z
    return data;
}

PageData page_with(const Exit& exit) {
    PageData data = page_of(healthy_status());
    data.recent.latest = {exit};
    return data;
}

PageData page_of(const Ledger& ledger) {
    return page_data(ledger, healthy_status(), kTestBuild, {});
}

TEST(Page, IsWholeWithoutScript) {
    const std::string html = render_page(page_of(healthy_status()));
    EXPECT_THAT(html, ::testing::StartsWith("<!DOCTYPE html>"));
    EXPECT_THAT(html, ::testing::EndsWith("</html>\n"));
    for (const char* part :
         {"<title>knell on node-1</title>", "href=\"metrics\"", "Deaths by reason", "Who kills whom",
          "Latest kills and crashes", "How long it took", "Zombies", "Agent", "Features",
          "<noscript><meta http-equiv=\"refresh\"", "knell 1.2.3 (abcdef0)", "2023-11-14 22:13:20 UTC"}) {
        EXPECT_THAT(html, HasSubstr(part));
    }
}

// What the server's policy forbids would be there for nothing: style and script within the page, other hosts.
TEST(Page, KeepsItsOwnPolicy) {
    const std::string html = render_page(page_of(full_status()));
    for (const char* forbidden : {"style=", "<style", "onclick", "javascript:", "http:", "https:", "src=\"//"}) {
        EXPECT_THAT(html, Not(HasSubstr(forbidden)));
    }
    EXPECT_THAT(html, Not(::testing::ContainsRegex("<script[^>]*>[^<]")));
    EXPECT_THAT(kPageStyle, Not(HasSubstr("url(")));
    EXPECT_THAT(kPageStyle, Not(HasSubstr("@import")));
    EXPECT_THAT(kPageStyle, HasSubstr("prefers-color-scheme: dark"));
}

// The script replaces a part by its id.
TEST(Page, EveryLivePartHasAnIdOfItsOwn) {
    const std::string html = render_page(page_of(full_status()));
    const std::regex id_pattern("id=\"([^\"]+)\"");
    std::set<std::string> ids;
    for (std::sregex_iterator match(html.begin(), html.end(), id_pattern); match != std::sregex_iterator(); ++match) {
        EXPECT_TRUE(ids.insert((*match)[1]).second) << (*match)[1];
    }
    const std::regex live_pattern("<[^>]* data-live>");
    std::size_t live = 0;
    for (std::sregex_iterator match(html.begin(), html.end(), live_pattern); match != std::sregex_iterator(); ++match) {
        EXPECT_THAT((*match)[0].str(), HasSubstr(" id=\""));
        ++live;
    }
    EXPECT_EQ(live, 12U);
}

TEST(Page, SaysThatAllIsWell) {
    const PageData data = page_of(healthy_status());
    EXPECT_TRUE(concerns(data).empty());
    const std::string html = render_page(data);
    EXPECT_THAT(html, HasSubstr("every exit is accounted for"));
    EXPECT_THAT(html, HasSubstr("<b>1,234,567</b> exits seen</span> <span>= <b>1,234,567</b> delivered</span> <span>+ "
                                "<b>0</b> spilled</span> <span>+ <b>0</b> unaccounted"));
}

TEST(Page, SaysWhatIsWrong) {
    PageData data = page_of(full_status());
    data.status.ready = false;
    data.status.config_reload_ok = false;
    data.status.tables = {{"cgroups", 16384, 16384}};
    data.series_overflow = 17;
    const std::string html = render_page(data);
    for (const char* part :
         {"starting: programs are being attached", "reload of the configuration failed",
          "exits that are in no count, as ring and spill were full: 2", "without their details: 1",
          "told differently: 3", "off: oom: no BTF", "the table cgroups is full", "namespace _other: 17", "got: 10",
          "2 apart for now", "CONFIG_DEBUG_INFO_BTF=y", "<details class=\"features\" open>"}) {
        EXPECT_THAT(html, HasSubstr(part));
    }
    EXPECT_THAT(html, Not(HasSubstr("accounted for</p>")));
    EXPECT_EQ(concerns(data).front().severity, Severity::high);
    EXPECT_EQ(concerns(data).back().severity, Severity::medium);
}

TEST(Page, WithoutBpfThereAreNoBooks) {
    Status status = healthy_status();
    status.bpf = false;
    const std::string html = render_page(page_of(status));
    EXPECT_THAT(html, HasSubstr("without BPF"));
    EXPECT_THAT(html, Not(HasSubstr("exits seen")));
    EXPECT_THAT(html, Not(HasSubstr(">ring<")));
}

TEST(Page, ShowsADeathInFull) {
    Exit exit = death_by(container_place("shop", "web"), SIGKILL, KillerClass::container_runtime);
    exit.process.pid = 4711;
    exit.process.comm = "server";
    exit.time = 99 * kSecond;
    exit.process.start = 97 * kSecond;
    exit.killer->pid = 815;
    exit.killer->comm = "runc";
    exit.since_stop_request = 30 * kMillisecond;
    exit.preceded_by = SIGTERM;
    EXPECT_THAT(render_page(page_with(exit)),
                HasSubstr("<tr data-key=\"4711-99000000000\"><td class=\"time\">"
                          "<time datetime=\"2023-11-14T22:13:19.000000000Z\">22:13:19.000</time>"
                          "<span class=\"more\">lived 2.00s</span></td>"
                          "<td><b class=\"name\">server</b> <span class=\"pid\">4711</span>"
                          "<span class=\"more\">shop/pod-1/web</span></td>"
                          "<td><b class=\"warn\">signal</b> SIGKILL after SIGTERM"
                          "<span class=\"more\">by 815 runc (container_runtime), 30.0ms after the stop request</span>"
                          "</td></tr>\n"));
}

TEST(Page, TellsTheDateOfADeathOfAnotherDay) {
    constexpr Nanoseconds kDay = 86400 * kSecond;
    PageData data = page_with(exit_of(unit_place("nginx.service"), 3));
    data.recent.now = 2 * kDay;
    data.recent.latest.front().time = data.recent.now - kDay;
    const std::string html = render_page(data);
    EXPECT_THAT(html, HasSubstr(">11-13 22:13:20.000</time>"));
    EXPECT_THAT(html, HasSubstr("nginx.service"));
    EXPECT_THAT(html, HasSubstr("<b class=\"plain\">error</b> exit 3"));
}

TEST(Page, SpilledDeathsAreOneRow) {
    Exit exit = death_by(unit_place("nginx.service"), SIGKILL, KillerClass::host);
    exit.spilled = 4321;
    EXPECT_THAT(render_page(page_with(exit)),
                HasSubstr("<td><b>4,321 processes</b><span class=\"more\">nginx.service"));
}

// A process chooses its comm, and whoever makes a cgroup its name.
TEST(Page, WhatAProcessNamesIsNeverMarkup) {
    const auto place = container_place("<img src=x>", "\"'&\x1b[2J\xE2\x80\xAE");
    Exit exit = death_by(place, SIGKILL, KillerClass::host);
    exit.process.comm = "<script>\xff";
    exit.killer->pid = 1;
    exit.killer->comm = "</table>";
    Ledger ledger({});
    ledger.on_event(exit);
    PageData data = page_of(ledger);
    data.recent.latest = {exit};
    data.recent.abnormal = {exit};
    data.zombies = {{.workload = "<img src=x>", .count = 1, .oldest = 1}};
    data.status.features = {{.name = "<img>", .hook = "<img>", .why_not = "<img>", .remedy = "<img>"}};
    data.node = "<img>";
    const std::string html = render_page(data);
    for (const char* raw : {"<script>", "<img", "\x1b", "\xff", "\xE2\x80\xAE", "2J'"}) {
        EXPECT_THAT(html, Not(HasSubstr(raw)));
    }
    EXPECT_THAT(html, HasSubstr("&lt;script&gt;"));
    EXPECT_THAT(html, HasSubstr("&lt;img src=x&gt;/&quot;&#39;&amp;\\x1b[2J")); // the workload
    EXPECT_THAT(html, HasSubstr("by 1 &lt;/table&gt; (host)"));
}

TEST(Page, AddsUpTheWorkloads) {
    Ledger ledger({});
    for (const char* container : {"web", "db"}) {
        const auto place = container_place("shop", container);
        Exit exit = death_by(place, SIGKILL, KillerClass::container_runtime);
        exit.since_stop_request = 3 * kMillisecond;
        ledger.on_event(exit);
        ledger.on_event(reap_of(place, 100 * kSecond));
    }
    ledger.on_event(death_by(container_place("shop", "db"), SIGTERM, KillerClass::container_runtime));
    const PageData data = page_of(ledger);
    EXPECT_EQ(data.workloads, 3U); // and that of what has no place
    EXPECT_EQ(data.series, ledger.series());
    ASSERT_EQ(data.kills.size(), 2U);
    EXPECT_EQ(data.kills[0].victims, "shop/db");
    EXPECT_EQ(data.kills[0].count, 2U);
    EXPECT_EQ(data.termination.count(), 2U);
    EXPECT_EQ(data.reap.count(), 2U);
    const std::string html = render_page(data);
    EXPECT_THAT(html, ::testing::ContainsRegex("<td>shop/db</td><td>container_runtime <span class=\"more\">"
                                               "SIG[A-Z]*&nbsp;1, SIG[A-Z]*&nbsp;1</span></td>"));
    EXPECT_THAT(html, HasSubstr("<td>shop/web</td><td>container_runtime <span class=\"more\">SIGKILL</span></td>"));
    EXPECT_THAT(html, HasSubstr("2 measured: half at most 4.10ms, 99 % at most 4.10ms"));
    EXPECT_THAT(html, HasSubstr("2 measured: half over 16.8s, 99 % over 16.8s"));
    EXPECT_THAT(html, HasSubstr("<title>1.02ms to 4.10ms: 2</title>"));
    EXPECT_THAT(html, HasSubstr("<title>over 16.8s: 2</title>"));
}

TEST(Page, SaysHowManyRowsItLeavesOut) {
    Ledger ledger({});
    for (int i = 0; i < 15; ++i) {
        ledger.on_event(death_by(container_place("shop", "web-" + std::to_string(i)), SIGKILL, KillerClass::host));
    }
    const std::string html = render_page(page_of(ledger));
    EXPECT_THAT(html, HasSubstr("<td>shop/web-6</td>"));
    EXPECT_THAT(html, Not(HasSubstr("<td>shop/web-7</td>"))); // in the order of their names
    EXPECT_THAT(html, HasSubstr("and 3 more"));
}

TEST(Page, OfManySignalsItTellsTheMostFrequent) {
    Ledger ledger({});
    const auto place = unit_place("old.service");
    for (const int signal : {SIGINT, SIGTERM, SIGTERM, SIGUSR1, SIGUSR1, SIGHUP, SIGHUP}) {
        ledger.on_event(death_by(place, signal, KillerClass::host));
    }
    const std::string html = render_page(page_of(ledger));
    EXPECT_THAT(html, HasSubstr("SIGTERM&nbsp;2"));
    EXPECT_THAT(html, HasSubstr(", &hellip;</span>"));
    EXPECT_THAT(html, Not(HasSubstr("SIGINT")));
}

TEST(Page, ShowsZombies) {
    Ledger ledger({});
    ZombieNode node;
    ledger.workload(unit_place("old.service")).zombies().add(node, monotonic_now() - 60 * kSecond);
    RecentSnapshot recent;
    recent.now = monotonic_now();
    const std::string html = render_page(page_data(ledger, healthy_status(), kTestBuild, recent));
    EXPECT_THAT(html, HasSubstr("<td>old.service</td><td class=\"number\">1</td><td class=\"number\">1m00s</td>"));
    EXPECT_THAT(html, HasSubstr("the oldest for 1m00s"));
}

TEST(Page, CountsDeathsByReasonAndMinute) {
    PageData data = page_of(healthy_status());
    constexpr auto kOom = static_cast<std::size_t>(Reason::oom_kill);
    data.recent.minutes[MinuteCounts::kMinutes - 1][kOom] = 1;
    data.recent.minutes[MinuteCounts::kMinutes - 2][kOom] = 1000;
    data.recent.exits[kOom] = 2345;
    data.recent.oom_kills = {2340, 5, 0};
    const std::string html = render_page(data);
    EXPECT_THAT(html, HasSubstr("OOM kills</dt><dd><b class=\"bad\">1,001</b><span class=\"more\">in the last hour; "
                                "2,345 since start, 5 for want of the machine's memory<"));
    EXPECT_THAT(html, HasSubstr("aria-label=\"oom_kill in the last hour: 1,000 a minute at most\""));
    // The instant 100 s is in the minute that begins at 60 s. One of a thousand is seen all the same.
    EXPECT_THAT(html, HasSubstr("<rect x=\"59\" y=\"18\" width=\"0.8\" height=\"2\"><title>1 from 22:12:40</title>"));
    EXPECT_THAT(html, HasSubstr("<rect x=\"58\" y=\"0\" width=\"0.8\" height=\"20\"><title>1,000 from 22:11:40<"));
    // The agent looks since 40 s: for two of the minutes.
    EXPECT_THAT(html, HasSubstr("<rect class=\"axis\" x=\"58\" y=\"20\" width=\"2\" height=\"1\"/>"));
}

TEST(Page, FormatsForPeople) {
    EXPECT_EQ(format_count(0), "0");
    EXPECT_EQ(format_count(999), "999");
    EXPECT_EQ(format_count(1000), "1,000");
    EXPECT_EQ(format_count(1234567), "1,234,567");
    EXPECT_EQ(format_bytes(1023), "1023 B");
    EXPECT_EQ(format_bytes(8 << 20), "8.0 MiB");
    EXPECT_EQ(format_bytes(15ULL << 20), "15 MiB");
    EXPECT_EQ(format_bytes(5000ULL << 30), "5000 GiB");
}

} // namespace
} // namespace knell

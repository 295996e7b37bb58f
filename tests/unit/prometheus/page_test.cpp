#include "exporters/prometheus/page.hpp"
#include "tests/unit/ledger/samples.hpp"
#include "tests/unit/prometheus/fixtures.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

namespace knell {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

PageData sample_page() {
    PageData data;
    data.status = full_status();
    data.build = kTestBuild;
    data.now = 100 * kSecond;
    data.now_unix_ns = 1'700'000'000 * kSecond;
    return data;
}

TEST(Page, SaysWhatRunsAndWhatDoesNot) {
    const std::string html = render_page(sample_page());
    for (const char* part :
         {"<title>knell</title>", "href=\"/metrics\"", ">ready<", "tp_btf/sched_process_exit(task, group_dead)",
          "no BTF", "CONFIG_DEBUG_INFO_BTF=y", "knell 1.2.3 (abcdef0)", "event loop io_uring", "none yet",
          "saw 12 exits: 11 were delivered, 1 counted without their details, 2 not accounted for",
          "prefers-color-scheme: dark"}) {
        EXPECT_THAT(html, HasSubstr(part));
    }
    EXPECT_THAT(html, ::testing::EndsWith("</html>\n"));
}

TEST(Page, SaysWhatIsWrong) {
    PageData data = sample_page();
    data.status.ready = false;
    data.status.bpf = false;
    data.status.config_reload_ok = false;
    data.series_overflow = 17;
    const std::string html = render_page(data);
    EXPECT_THAT(html, HasSubstr("starting"));
    EXPECT_THAT(html, HasSubstr("without BPF"));
    EXPECT_THAT(html, HasSubstr("reload of the configuration failed"));
    EXPECT_THAT(html, HasSubstr("17 times there was no room"));
    EXPECT_THAT(html, Not(HasSubstr("The kernel side saw")));
}

TEST(Page, ShowsADeathInFull) {
    PageData data = sample_page();
    Exit exit = death_by(container_place("shop", "web"), SIGKILL, KillerClass::container_runtime);
    exit.process.pid = 4711;
    exit.process.comm = "server";
    exit.time = 99 * kSecond;
    exit.process.start = 97 * kSecond;
    exit.killer->pid = 815;
    exit.killer->comm = "runc";
    data.latest = {exit};
    const std::string html = render_page(data);
    EXPECT_THAT(html, HasSubstr("<tr><td>2023-11-14T22:13:19.000000000Z</td><td class=\"number\">4711</td>"
                                "<td><code>server</code></td><td>shop/web</td><td>signal (SIGKILL)</td>"
                                "<td>container_runtime: runc (815)</td><td class=\"number\">2.00s</td></tr>\n"));
}

TEST(Page, NamesThePlaceByWhatItHas) {
    Place only_cgroup;
    only_cgroup.cgroup = "/user.slice";
    for (const auto& [place, expected] : {std::pair{container_place("", "web"), "<td>web</td>"},
                                          {unit_place("nginx.service"), "<td>nginx.service</td>"},
                                          {std::make_shared<const Place>(only_cgroup), "<td>/user.slice</td>"}}) {
        PageData data = sample_page();
        data.latest = {exit_of(place, 3)};
        const std::string html = render_page(data);
        EXPECT_THAT(html, HasSubstr(expected));
        EXPECT_THAT(html, HasSubstr("error (3)"));
    }
}

// A process chooses its comm, and whoever makes a cgroup its name.
TEST(Page, WhatAProcessNamesIsNeverMarkup) {
    PageData data = sample_page();
    Exit exit = death_by(container_place("<img src=x>", "\"'&\x1b[2J\xE2\x80\xAE"), SIGKILL, KillerClass::host);
    exit.process.comm = "<script>\xff";
    exit.killer->pid = 1;
    exit.killer->comm = "</table>";
    data.latest = {exit};
    const std::string html = render_page(data);
    for (const char* raw : {"<script", "<img", "\x1b", "\xff", "\xE2\x80\xAE"}) {
        EXPECT_THAT(html, Not(HasSubstr(raw)));
    }
    EXPECT_THAT(html, HasSubstr("&lt;script&gt;"));
    EXPECT_THAT(html, HasSubstr("&lt;img src=x&gt;/&quot;&#39;&amp;\\x1b[2J"));
    EXPECT_THAT(html, HasSubstr("&lt;/table&gt; (1)"));
}

TEST(Page, AddsUpTheWorkloads) {
    Ledger ledger({});
    ledger.on_event(exit_of(container_place("shop", "web"), 0));
    ledger.on_event(exit_of(container_place("shop", "db"), 0));
    const PageData data = page_data(ledger, full_status(), kTestBuild, {});
    EXPECT_EQ(data.exits[static_cast<std::size_t>(Reason::success)], 2U);
    EXPECT_EQ(data.workloads, 3U);
    EXPECT_EQ(data.series, ledger.series());
    EXPECT_THAT(render_page(data), HasSubstr("<tr><td>success</td><td class=\"number\">2</td></tr>"));
}

} // namespace
} // namespace knell

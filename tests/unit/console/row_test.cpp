#include "exporters/console/row.hpp"

#include "exporters/wording/cells.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <ostream>
#include <string>
#include <utility>

namespace knell {
namespace {

using testing::HasSubstr;
using testing::Not;

class RowTest : public testing::Test {
  protected:
    void SetUp() override {
        ::setenv("TZ", "UTC", 1);
        ::tzset();
    }
};

// 2026-01-31T12:34:56.5Z on the clock of events, in the middle of a second so that no clock reading changes it.
Instant noon() {
    const Instant base = 5000 * kSecond;
    return base + (1'769'862'896 * kSecond + kSecond / 2 - to_unix_ns(base));
}

ProcessIdentity in_pod() {
    Place place;
    place.name_space = "shop";
    place.pod = "cart-6c7d8b9f5-x2x4z";
    place.container = "cart";
    ProcessIdentity process;
    process.pid = 4194303;
    process.comm = "cart-server";
    process.start = noon() - 187 * kSecond;
    process.place = std::make_shared<const Place>(std::move(place));
    return process;
}

Exit killed() {
    Exit exit;
    exit.process = in_pod();
    exit.time = noon();
    exit.reason = Reason::signal;
    exit.signal = SIGKILL;
    exit.killer = Killer{.kind = KillerClass::container_runtime, .pid = 812, .uid = 0, .comm = "containerd-shim"};
    exit.reaction = 17'200;
    return exit;
}

Exit in_unit(Reason reason) {
    Place place;
    place.unit = "nginx.service";
    Exit exit;
    exit.process.pid = 17;
    exit.process.comm = "nginx";
    exit.process.place = std::make_shared<const Place>(std::move(place));
    exit.time = noon();
    exit.reason = reason;
    return exit;
}

TEST_F(RowTest, At80Cells) {
    const Layout layout = Layout::for_terminal(80, false);
    EXPECT_EQ(format_header(layout),
              "TIME         PID COMM      WHERE     REASON         KILLER     LIFETIME REACTION");
    EXPECT_EQ(format_row(killed(), layout),
              "12:34:56 4194303 cart-ser… shop/cart signal SIGKILL 812 conta…    3m07s   17.2us");
    Exit forced = in_unit(Reason::signal);
    forced.signal = SIGKILL;
    forced.preceded_by = SIGTERM;
    EXPECT_EQ(format_row(forced, layout),
              "12:34:56      17 nginx     nginx.se… SIGKILL after… -                 -        -");
    Exit stopped = in_unit(Reason::success);
    stopped.exit_code = 0;
    stopped.preceded_by = SIGTERM;
    EXPECT_EQ(format_row(stopped, layout),
              "12:34:56      17 nginx     nginx.se… success after… -                 -        -");
}

TEST_F(RowTest, At120Cells) {
    const Layout layout = Layout::for_terminal(120, false);
    EXPECT_EQ(format_header(layout), "TIME         PID COMM            WHERE                 REASON                    "
                                     "KILLER                LIFETIME REACTION");
    EXPECT_EQ(format_row(killed(), layout),
              "12:34:56 4194303 cart-server     shop/cart             signal SIGKILL            "
              "812 containerd-shim …    3m07s   17.2us");
    Exit crashed = in_unit(Reason::crash);
    crashed.signal = SIGSEGV;
    crashed.core_dumped = true;
    crashed.killer = Killer{.kind = KillerClass::self, .pid = 17, .uid = 0, .comm = "nginx"};
    EXPECT_EQ(format_row(crashed, layout),
              "12:34:56      17 nginx           nginx.service         crash SIGSEGV (core)      "
              "self                         -        -");
}

TEST_F(RowTest, At200Cells) {
    const Layout layout = Layout::for_terminal(200, false);
    const std::string blanks(42, ' ');
    EXPECT_EQ(format_header(layout), "TIME         PID COMM            WHERE                          " + blanks +
                                         "     REASON                       KILLER                                     "
                                         "LIFETIME REACTION");
    EXPECT_EQ(format_row(killed(), layout), "12:34:56 4194303 cart-server     shop/cart-6c7d8b9f5-x2x4z/cart" + blanks +
                                                "      signal SIGKILL               "
                                                "812 containerd-shim (container_runtime)       3m07s   17.2us");
}

TEST_F(RowTest, OutsideOfATerminalNothingIsShortened) {
    const Layout layout = Layout::for_file();
    EXPECT_EQ(format_header(layout),
              "TIME         PID COMM            WHERE                          REASON                "
              "KILLER                   LIFETIME REACTION");
    EXPECT_EQ(format_row(killed(), layout),
              "12:34:56 4194303 cart-server     shop/cart-6c7d8b9f5-x2x4z/cart signal SIGKILL        "
              "812 containerd-shim (container_runtime)    3m07s   17.2us");
}

TEST_F(RowTest, EveryWidthIsFilledExactly) {
    for (std::size_t width = 80; width <= 400; ++width) {
        const Layout layout = Layout::for_terminal(width, false);
        ASSERT_EQ(count_cells(format_header(layout)), width);
        ASSERT_EQ(count_cells(format_row(killed(), layout)), width);
    }
    EXPECT_EQ(count_cells(format_header(Layout::for_terminal(20, false))), 80U);
}

TEST_F(RowTest, ExecsAndReaps) {
    const Layout layout = Layout::for_terminal(80, false);
    Exec exec;
    exec.process = in_pod();
    exec.process.start = noon() - 1'500 * kMicrosecond;
    exec.time = noon();
    EXPECT_EQ(format_row(exec, layout),
              "12:34:56 4194303 cart-ser… shop/cart exec           -            1.50ms        -");
    Reap reap;
    reap.process = in_pod();
    reap.time = noon();
    reap.reap = 250 * kMillisecond;
    EXPECT_EQ(format_row(reap, layout),
              "12:34:56 4194303 cart-ser… shop/cart reaped         -                 -    250ms");
}

TEST_F(RowTest, PidfdOpens) {
    PidfdOpen open;
    open.process = in_pod();
    open.time = noon();
    open.target_pid = 812;
    open.target_comm = "redis\n";
    open.via = PidfdVia::clone;
    EXPECT_EQ(format_row(open, Layout::for_file()),
              "12:34:56 4194303 cart-server     shop/cart-6c7d8b9f5-x2x4z/cart pidfd 812 redis\\x0a (clone) "
              "-                           3m07s        -");
    open.target_comm.clear();
    open.via = PidfdVia::pidfd_open;
    EXPECT_EQ(format_row(open, Layout::for_terminal(80, false)),
              "12:34:56 4194303 cart-ser… shop/cart pidfd 812 (pi… -             3m07s        -");
}

TEST_F(RowTest, WhatIsNotKnownIsADash) {
    Exit spilled;
    spilled.reason = Reason::error;
    spilled.exit_code = 1;
    spilled.spilled = 12;
    EXPECT_EQ(format_row(spilled, Layout::for_file()),
              "-              - -               -                              error exit 1 (spilled, 12) "
              "-                               -        -");
}

TEST_F(RowTest, ColourIsOnTheReasonAlone) {
    const Layout layout = Layout::for_terminal(80, true);
    EXPECT_THAT(format_row(in_unit(Reason::oom_kill), layout), HasSubstr(" \x1b[31moom_kill      \x1b[0m "));
    EXPECT_THAT(format_row(in_unit(Reason::crash), layout), HasSubstr(" \x1b[31mcrash         \x1b[0m "));
    EXPECT_THAT(format_row(in_unit(Reason::signal), layout), HasSubstr(" \x1b[33msignal        \x1b[0m "));
    EXPECT_THAT(format_row(in_unit(Reason::success), layout), HasSubstr(" \x1b[2msuccess       \x1b[0m "));
    EXPECT_THAT(format_row(in_unit(Reason::error), layout), Not(HasSubstr("\x1b")));
    EXPECT_THAT(format_row(in_unit(Reason::crash), Layout::for_terminal(80, false)), Not(HasSubstr("\x1b")));
    EXPECT_THAT(format_header(layout), Not(HasSubstr("\x1b")));
}

struct HostileName {
    const char* name;
    const char* bytes;
    const char* comm_column; // of 15 cells
};

void PrintTo(const HostileName& row, std::ostream* out) {
    *out << row.name;
}

class RowHostile : public RowTest, public testing::WithParamInterface<HostileName> {};

TEST_P(RowHostile, TextStaysInItsColumn) {
    const Layout layout = Layout::for_terminal(120, false);
    Exit exit = killed();
    exit.process.comm = GetParam().bytes;
    exit.killer->comm = GetParam().bytes;
    const std::string row = format_row(exit, layout);
    EXPECT_THAT(row, testing::StartsWith(std::string("12:34:56 4194303 ") + GetParam().comm_column + " shop/cart "));
    EXPECT_EQ(count_cells(row), 120U);
    EXPECT_THAT(row, Not(testing::ContainsRegex("[\x01-\x1f]")));
}

INSTANTIATE_TEST_SUITE_P(Comms, RowHostile,
                         testing::Values(HostileName{"newline", "a\nb", "a\\x0ab         "},
                                         HostileName{"escape", "\x1b[2J\x1b[1;1H", "\\x1b[2J\\x1b[1;…"},
                                         HostileName{"invalid", "ok\xff\xc3", "ok\uFFFD\uFFFD           "},
                                         HostileName{"wide", "\u6f22\u5b57\u6f22\u5b57\u6f22",
                                                     "\u6f22\u5b57\u6f22\u5b57\u6f22     "},
                                         HostileName{"direction", "a\u202eb", "a\\u202eb       "}));

} // namespace
} // namespace knell

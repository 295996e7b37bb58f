#include "exporters/wording/wording.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <ostream>
#include <string>

namespace knell {
namespace {

Exit exited(Reason reason, int code, int preceded_by = 0) {
    Exit exit;
    exit.reason = reason;
    exit.exit_code = code;
    exit.preceded_by = preceded_by;
    return exit;
}

Exit killed(Reason reason, int signal, bool core_dumped = false) {
    Exit exit;
    exit.reason = reason;
    exit.signal = signal;
    exit.core_dumped = core_dumped;
    return exit;
}

struct Death {
    Exit exit;
    const char* phrase;
};

void PrintTo(const Death& row, std::ostream* out) {
    *out << row.phrase;
}

class ReasonPhrase : public testing::TestWithParam<Death> {};

TEST_P(ReasonPhrase, SaysWhy) {
    EXPECT_EQ(reason_phrase(GetParam().exit), GetParam().phrase);
}

INSTANTIATE_TEST_SUITE_P(Reasons, ReasonPhrase,
                         testing::Values(Death{{}, "unknown"}, Death{exited(Reason::success, 0), "success"},
                                         Death{exited(Reason::success, 0, SIGTERM), "success after SIGTERM"},
                                         Death{exited(Reason::error, 7), "error exit 7"},
                                         Death{exited(Reason::error, 143, SIGTERM), "error exit 143 after SIGTERM"},
                                         Death{killed(Reason::signal, SIGKILL), "signal SIGKILL"},
                                         Death{killed(Reason::crash, SIGSEGV), "crash SIGSEGV"},
                                         Death{killed(Reason::crash, SIGSEGV, true), "crash SIGSEGV (core)"},
                                         Death{killed(Reason::seccomp, SIGSYS, true), "seccomp (core)"},
                                         Death{killed(Reason::cgroup_kill, SIGKILL), "cgroup_kill"},
                                         Death{killed(Reason::parent_death, SIGTERM), "parent_death SIGTERM"}));

TEST(ReasonPhraseOf, NamesTheScopeOfAnOomKill) {
    Exit exit = killed(Reason::oom_kill, SIGKILL);
    EXPECT_EQ(reason_phrase(exit), "oom_kill");
    exit.oom_scope = OomScope::memcg;
    EXPECT_EQ(reason_phrase(exit), "oom_kill memcg");
}

TEST(ReasonPhraseOf, SaysThatDetailsAreLost) {
    Exit exit = killed(Reason::signal, SIGKILL);
    exit.spilled = 12;
    EXPECT_EQ(reason_phrase(exit), "signal SIGKILL (spilled, 12)");
}

struct Sender {
    Killer killer;
    const char* phrase;
};

void PrintTo(const Sender& row, std::ostream* out) {
    *out << row.phrase;
}

class KillerPhrase : public testing::TestWithParam<Sender> {};

TEST_P(KillerPhrase, SaysWho) {
    Exit exit;
    exit.killer = GetParam().killer;
    EXPECT_EQ(killer_phrase(exit), GetParam().phrase);
}

INSTANTIATE_TEST_SUITE_P(Killers, KillerPhrase,
                         testing::Values(Sender{{KillerClass::host, 4242, 0, "bash"}, "4242 bash (host)"},
                                         Sender{{KillerClass::container_runtime, 9, 0, "runc"},
                                                "9 runc (container_runtime)"},
                                         Sender{{KillerClass::parent, 17, 1, "sh"}, "parent 17 sh"},
                                         Sender{{KillerClass::child, 18, 1, "sh"}, "child 18 sh"},
                                         Sender{{KillerClass::self, 17, 1, "sh"}, "self"},
                                         Sender{{KillerClass::kernel, {}, {}, ""}, "kernel"},
                                         Sender{{KillerClass::unknown, {}, {}, ""}, "unknown"},
                                         Sender{{KillerClass::init, 1, 0, ""}, "1 (init)"},
                                         Sender{{KillerClass::host, 4, 0, "a\x1b[2Jb"}, "4 a\\x1b[2Jb (host)"}));

TEST(KillerPhraseOf, NobodyIsADash) {
    EXPECT_EQ(killer_phrase(Exit{}), "-");
}

Place in_pod() {
    Place place;
    place.cgroup = "/kubepods/x";
    place.name_space = "shop";
    place.pod = "web-7d9f";
    place.container = "nginx";
    return place;
}

TEST(PlacePhrase, IsAsDetailedAsTheWidthAllows) {
    const Place place = in_pod();
    EXPECT_EQ(place_phrase(&place, 0), "shop/web-7d9f/nginx");
    EXPECT_EQ(place_phrase(&place, 19), "shop/web-7d9f/nginx");
    EXPECT_EQ(place_phrase(&place, 18), "shop/nginx");
    EXPECT_EQ(place_phrase(&place, 9), "nginx");
    EXPECT_EQ(place_phrase(&place, 4), "ngi…");
}

TEST(PlacePhrase, TakesTheMostTellingName) {
    EXPECT_EQ(place_phrase(nullptr, 10), "-");
    Place place;
    EXPECT_EQ(place_phrase(&place, 10), "-");
    place.cgroup = "/user.slice/app.scope";
    EXPECT_EQ(place_phrase(&place, 0), "/user.slice/app.scope");
    EXPECT_EQ(place_phrase(&place, 10), "…app.scope");
    place.name_space = "shop";
    EXPECT_EQ(place_phrase(&place, 10), "shop");
    place.unit = "a.service";
    EXPECT_EQ(place_phrase(&place, 10), "a.service");
    place.container = "web\n";
    EXPECT_EQ(place_phrase(&place, 0), "shop/web\\x0a");
}

} // namespace
} // namespace knell

#include "exporters/console/wording.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <string>

namespace knell {
namespace {

struct Death {
    const char* phrase;
    void (*describe)(Exit&);
};

class ReasonPhrase : public testing::TestWithParam<Death> {};

TEST_P(ReasonPhrase, SaysWhy) {
    Exit exit;
    GetParam().describe(exit);
    EXPECT_EQ(reason_phrase(exit), GetParam().phrase);
}

INSTANTIATE_TEST_SUITE_P(Reasons, ReasonPhrase,
                         testing::Values(Death{"unknown", [](Exit&) {}},
                                         Death{"success",
                                               [](Exit& exit) {
                                                   exit.reason = Reason::success;
                                                   exit.exit_code = 0;
                                               }},
                                         Death{"success after SIGTERM",
                                               [](Exit& exit) {
                                                   exit.reason = Reason::success;
                                                   exit.exit_code = 0;
                                                   exit.preceded_by = SIGTERM;
                                               }},
                                         Death{"error exit 7",
                                               [](Exit& exit) {
                                                   exit.reason = Reason::error;
                                                   exit.exit_code = 7;
                                               }},
                                         Death{"error exit 143 after SIGTERM",
                                               [](Exit& exit) {
                                                   exit.reason = Reason::error;
                                                   exit.exit_code = 143;
                                                   exit.preceded_by = SIGTERM;
                                               }},
                                         Death{"signal SIGKILL",
                                               [](Exit& exit) {
                                                   exit.reason = Reason::signal;
                                                   exit.signal = SIGKILL;
                                               }},
                                         Death{"signal SIGKILL (spilled)",
                                               [](Exit& exit) {
                                                   exit.reason = Reason::signal;
                                                   exit.signal = SIGKILL;
                                                   exit.spilled = true;
                                               }},
                                         Death{"crash SIGSEGV",
                                               [](Exit& exit) {
                                                   exit.reason = Reason::crash;
                                                   exit.signal = SIGSEGV;
                                               }},
                                         Death{"crash SIGSEGV (core)",
                                               [](Exit& exit) {
                                                   exit.reason = Reason::crash;
                                                   exit.signal = SIGSEGV;
                                                   exit.core_dumped = true;
                                               }},
                                         Death{"oom_kill memcg",
                                               [](Exit& exit) {
                                                   exit.reason = Reason::oom_kill;
                                                   exit.signal = SIGKILL;
                                                   exit.oom_scope = OomScope::memcg;
                                               }},
                                         Death{"cgroup_kill",
                                               [](Exit& exit) {
                                                   exit.reason = Reason::cgroup_kill;
                                                   exit.signal = SIGKILL;
                                               }},
                                         Death{"parent_death SIGTERM", [](Exit& exit) {
                                                   exit.reason = Reason::parent_death;
                                                   exit.signal = SIGTERM;
                                               }}));

struct Sender {
    Killer killer;
    const char* phrase;
};

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

TEST(KillerPhrase, NobodyIsADash) {
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

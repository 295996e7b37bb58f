#include "agent/ledger/ledger.hpp"
#include "tests/unit/ledger/samples.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <map>
#include <utility>

namespace knell {
namespace {

std::map<std::pair<int, KillerClass>, std::uint64_t> kills_of(const Workload& workload) {
    std::map<std::pair<int, KillerClass>, std::uint64_t> kills;
    workload.kills().for_each(
        [&](const Kill& kill, std::uint64_t n, Instant) { kills[{kill.signal, kill.killer}] = n; });
    return kills;
}

std::map<std::pair<int, bool>, std::uint64_t> signals_of(const Workload& workload) {
    std::map<std::pair<int, bool>, std::uint64_t> signals;
    workload.exit_signals().for_each(
        [&](const ExitSignal& exit, std::uint64_t n, Instant) { signals[{exit.number, exit.core_dumped}] = n; });
    return signals;
}

TEST(Ledger, CountsNormalExitsByReasonAndCode) {
    Ledger ledger({});
    const auto place = container_place("shop", "web");
    for (const int code : {0, 0, 1, 2, 126, 127, 3, 255}) {
        ledger.on_event(exit_of(place, code));
    }
    const Workload& web = ledger.workload(place);
    EXPECT_EQ(web.exits(Reason::success), 2U);
    EXPECT_EQ(web.exits(Reason::error), 6U);
    const std::array<std::uint64_t, kExitCodeNames.size()> expected = {2, 1, 1, 1, 1, 2};
    for (std::size_t i = 0; i < expected.size(); ++i) {
        EXPECT_EQ(web.exit_codes(i), expected[i]) << kExitCodeNames[i];
    }
    EXPECT_EQ(web.exit_signals().size(), 0U);
}

TEST(Ledger, CountsDeathsThatAreToldTogether) {
    Ledger ledger({});
    const auto place = container_place("shop", "web");
    Exit killed = death_by(place, SIGKILL, KillerClass::kernel);
    killed.reason = Reason::oom_kill;
    killed.oom_scope = OomScope::memcg;
    killed.spilled = 40;
    ledger.on_event(killed);
    Exit ended = exit_of(place, 127);
    ended.spilled = 2;
    ledger.on_event(ended);

    const Workload& web = ledger.workload(place);
    EXPECT_EQ(web.exits(Reason::oom_kill), 40U);
    EXPECT_EQ(web.oom_kills(OomScope::memcg), 40U);
    EXPECT_EQ(kills_of(web),
              (std::map<std::pair<int, KillerClass>, std::uint64_t>{{{SIGKILL, KillerClass::kernel}, 40}}));
    EXPECT_EQ(signals_of(web), (std::map<std::pair<int, bool>, std::uint64_t>{{{SIGKILL, false}, 40}}));
    EXPECT_EQ(web.exit_codes(exit_code_class(127)), 2U);
}

TEST(Ledger, CountsDeathsBySignalAndKiller) {
    Ledger ledger({});
    const auto place = container_place("shop", "web");
    ledger.on_event(death_by(place, SIGKILL, KillerClass::container_runtime));
    ledger.on_event(death_by(place, SIGKILL, KillerClass::container_runtime));
    ledger.on_event(death_by(place, SIGKILL, KillerClass::host));
    Exit crash = death_by(place, SIGSEGV, KillerClass::self);
    crash.reason = Reason::crash;
    crash.core_dumped = true;
    ledger.on_event(crash);
    Exit unseen = death_by(place, SIGTERM, KillerClass::unknown);
    unseen.killer.reset();
    ledger.on_event(unseen);

    const Workload& web = ledger.workload(place);
    const std::map<std::pair<int, KillerClass>, std::uint64_t> kills = {{{SIGKILL, KillerClass::container_runtime}, 2},
                                                                        {{SIGKILL, KillerClass::host}, 1},
                                                                        {{SIGSEGV, KillerClass::self}, 1},
                                                                        {{SIGTERM, KillerClass::unknown}, 1}};
    EXPECT_EQ(kills_of(web), kills);
    const std::map<std::pair<int, bool>, std::uint64_t> signals = {
        {{SIGKILL, false}, 3}, {{SIGSEGV, true}, 1}, {{SIGTERM, false}, 1}};
    EXPECT_EQ(signals_of(web), signals);
    EXPECT_EQ(web.exits(Reason::signal), 4U);
    EXPECT_EQ(web.exits(Reason::crash), 1U);
    for (std::size_t i = 0; i < kExitCodeNames.size(); ++i) {
        EXPECT_EQ(web.exit_codes(i), 0U);
    }
}

TEST(Ledger, ASignalNumberThatCannotBeIsCountedAsZero) {
    Ledger ledger({});
    for (const int number : {65, 127, -1}) {
        ledger.on_event(death_by(nullptr, number, KillerClass::unknown));
    }
    EXPECT_EQ(signals_of(ledger.workload(nullptr)), (std::map<std::pair<int, bool>, std::uint64_t>{{{0, false}, 3}}));
}

TEST(Ledger, KnowsTheLastThatDiedInEachWay) {
    Ledger ledger({});
    const auto place = container_place("shop", "web");
    Exit first = death_by(place, SIGKILL, KillerClass::host);
    first.process.pid = 4;
    first.time = 10;
    Exit last = first;
    last.process.pid = 5;
    last.time = 20;
    Exit spilled = first;
    spilled.process.pid = 0;
    spilled.spilled = 7;
    for (const Exit& exit : {first, last, spilled}) {
        ledger.on_event(exit);
    }
    const Workload& web = ledger.workload(place);
    ASSERT_NE(web.last_exit(Reason::signal), nullptr);
    EXPECT_EQ(web.last_exit(Reason::signal)->read().value_or(Exemplar{}).pid, 5U);
    EXPECT_EQ(web.last_exit(Reason::crash), nullptr);
    EXPECT_EQ(web.last_oom_kill(OomScope::memcg), nullptr);
    web.kills().for_each([](const Kill&, std::uint64_t, Instant created) { EXPECT_EQ(created, 10U); });
    EXPECT_NE(web.created(), 0U);
}

TEST(Ledger, CountsOomKillsByScope) {
    Ledger ledger({});
    Exit exit = death_by(nullptr, SIGKILL, KillerClass::kernel);
    exit.reason = Reason::oom_kill;
    exit.oom_scope = OomScope::memcg;
    ledger.on_event(exit);
    EXPECT_EQ(ledger.workload(nullptr).oom_kills(OomScope::memcg), 1U);
    EXPECT_EQ(ledger.workload(nullptr).oom_kills(OomScope::system), 0U);
    EXPECT_EQ(ledger.workload(nullptr).exits(Reason::oom_kill), 1U);
}

TEST(Ledger, MeasuresWhatWasMeasured) {
    Ledger ledger({});
    const auto place = container_place("shop", "web");
    Exit exit = exit_of(place, 0);
    ledger.on_event(exit); // no times: no samples
    EXPECT_EQ(ledger.teardown().snapshot().count(), 0U);
    EXPECT_EQ(ledger.workload(place).termination(), nullptr);

    exit.teardown = 100;
    exit.reaction = 200;
    exit.since_stop_request = 300;
    ledger.on_event(exit);
    ledger.on_event(reap_of(place, 400));
    Reap without_time = reap_of(place, 0);
    without_time.reap.reset();
    ledger.on_event(without_time);

    EXPECT_EQ(ledger.teardown().snapshot().sum, 100U);
    EXPECT_EQ(ledger.reaction().snapshot().sum, 200U);
    const Workload& web = ledger.workload(place);
    ASSERT_NE(web.termination(), nullptr);
    EXPECT_EQ(web.termination()->snapshot().sum, 300U);
    ASSERT_NE(web.reap(), nullptr);
    EXPECT_EQ(web.reap()->snapshot().sum, 400U);
    EXPECT_EQ(web.reap()->snapshot().count(), 1U);
}

TEST(Ledger, DiscoveryCreatesZeros) {
    Ledger ledger({});
    ASSERT_EQ(ledger.workloads().size(), 1U); // the processes without a place
    EXPECT_EQ(ledger.workloads()[0]->labels(), Labels{});
    ledger.discover(unit_place("nginx.service"));
    ASSERT_EQ(ledger.workloads().size(), 2U);
    EXPECT_EQ(ledger.workloads()[1]->labels().unit, "nginx.service");
    EXPECT_EQ(ledger.workloads()[1]->exits(Reason::success), 0U);
}

TEST(Ledger, PlacesWithTheSameLabelsShareAWorkload) {
    Ledger ledger({});
    const auto first = container_place("shop", "web", "web-1");
    const auto restarted = container_place("shop", "web", "web-2");
    EXPECT_EQ(&ledger.workload(first), &ledger.workload(restarted));
    EXPECT_NE(&ledger.workload(first), &ledger.workload(container_place("shop", "db")));
    EXPECT_EQ(&ledger.workload(nullptr), &ledger.workload(std::make_shared<const Place>()));
}

TEST(Ledger, ThePodTellsThemApartOnlyWhenAskedFor) {
    Ledger ledger({.pod_label = true});
    const auto first = container_place("shop", "web", "web-1");
    const auto second = container_place("shop", "web", "web-2");
    EXPECT_NE(&ledger.workload(first), &ledger.workload(second));
    EXPECT_EQ(ledger.workload(second).labels().pod, "web-2");
}

// What series() says is what the workloads show, at every step.
TEST(Ledger, SeriesAreWhatIsShown) {
    Ledger ledger({});
    const auto shown = [&ledger] {
        std::size_t sum = 0;
        for (const auto& workload : ledger.workloads()) {
            sum += workload->series();
        }
        return sum;
    };
    EXPECT_EQ(ledger.series(), Workload::kFixedSeries);
    const auto place = container_place("shop", "web");
    ledger.discover(place);
    EXPECT_EQ(ledger.series(), 2 * Workload::kFixedSeries);
    ledger.on_event(death_by(place, SIGKILL, KillerClass::host));
    EXPECT_EQ(ledger.series(), 2 * Workload::kFixedSeries + 2);
    ledger.on_event(reap_of(place, 1));
    EXPECT_EQ(ledger.series(), 2 * Workload::kFixedSeries + 2 + Workload::kHistogramSeries);
    EXPECT_EQ(ledger.series(), shown());
    ledger.place_gone(place, 0);
    ledger.forget_gone(600 * kSecond);
    EXPECT_EQ(ledger.series(), Workload::kFixedSeries);
    EXPECT_EQ(ledger.series(), shown());
}

TEST(LedgerRetention, AWorkloadIsForgottenAfterItsLastPlace) {
    Ledger ledger({.retain = 100});
    const auto first = container_place("shop", "web");
    const auto second = container_place("shop", "web");
    ledger.discover(first);
    ledger.discover(second);
    ledger.place_gone(first, 1000);
    ledger.forget_gone(1100);
    EXPECT_EQ(ledger.workloads().size(), 2U);
    ledger.place_gone(second, 2000);
    ledger.forget_gone(2099);
    EXPECT_EQ(ledger.workloads().size(), 2U);
    ledger.forget_gone(2100);
    EXPECT_EQ(ledger.workloads().size(), 1U);
}

TEST(LedgerRetention, ALateEventStillCountsAndDoesNotBringThePlaceBack) {
    Ledger ledger({.retain = 100});
    const auto place = container_place("shop", "web");
    ledger.discover(place);
    ledger.place_gone(place, 1000);
    ledger.on_event(exit_of(place, 0));
    EXPECT_EQ(ledger.workload(place).exits(Reason::success), 1U);
    ledger.place_gone(place, 1050); // said twice: the first counts
    ledger.forget_gone(1100);
    EXPECT_EQ(ledger.workloads().size(), 1U);
}

TEST(LedgerRetention, ZombiesKeepAWorkload) {
    Ledger ledger({.retain = 100});
    const auto place = container_place("shop", "web");
    ZombieNode zombie;
    ledger.workload(place).zombies().add(zombie, 900);
    ledger.place_gone(place, 1000);
    ledger.forget_gone(1100);
    EXPECT_EQ(ledger.workloads().size(), 2U);
    ZombieList::remove(zombie);
    ledger.forget_gone(1199);
    EXPECT_EQ(ledger.workloads().size(), 2U);
    ledger.forget_gone(1200);
    EXPECT_EQ(ledger.workloads().size(), 1U);
}

TEST(LedgerRetention, NothingRetainedMeansForgottenAtOnce) {
    Ledger ledger({.retain = 0});
    const auto place = container_place("shop", "web");
    ZombieNode zombie;
    ledger.workload(place).zombies().add(zombie, 900);
    ledger.place_gone(place, 1000);
    ledger.forget_gone(1000);
    EXPECT_EQ(ledger.workloads().size(), 2U);
    ZombieList::remove(zombie);
    ledger.forget_gone(1000);
    EXPECT_EQ(ledger.workloads().size(), 1U);
}

TEST(LedgerRetention, ProcessesWithoutAPlaceAreNeverForgotten) {
    Ledger ledger({.retain = 100});
    const auto nowhere = std::make_shared<const Place>();
    ledger.discover(nowhere);
    ledger.place_gone(nowhere, 1000);
    ledger.forget_gone(5000);
    EXPECT_EQ(ledger.workloads().size(), 1U);
    ledger.on_event(exit_of(nullptr, 0));
    EXPECT_EQ(ledger.workload(nullptr).exits(Reason::success), 1U);
}

// A reader that took the list before keeps what it holds.
TEST(LedgerRetention, AReaderMayHoldAForgottenWorkload) {
    Ledger ledger({.retain = 0});
    const auto place = container_place("shop", "web");
    ledger.on_event(exit_of(place, 0));
    const auto held = ledger.workloads();
    ledger.place_gone(place, 1);
    ledger.forget_gone(2);
    EXPECT_EQ(held.at(1)->exits(Reason::success), 1U);
}

} // namespace
} // namespace knell

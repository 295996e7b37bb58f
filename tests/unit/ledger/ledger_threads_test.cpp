#include "agent/ledger/ledger.hpp"
#include "tests/unit/ledger/samples.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <thread>

namespace knell {
namespace {

// Everything a scrape reads.
std::uint64_t read_all(const Ledger& ledger) {
    std::uint64_t sum = ledger.series() + ledger.series_overflow() + ledger.teardown().snapshot().sum;
    for (const auto& workload : ledger.workloads()) {
        for (std::size_t i = 0; i < kReasonCount; ++i) {
            sum += workload->exits(static_cast<Reason>(i));
        }
        workload->kills().for_each([&sum](const Kill&, std::uint64_t n, Instant) { sum += n; });
        workload->exit_signals().for_each([&sum](const ExitSignal&, std::uint64_t n, Instant) { sum += n; });
        if (const Histogram* reap = workload->reap()) {
            sum += reap->snapshot().count();
        }
        sum += workload->zombies().count() + workload->zombies().oldest();
    }
    return sum;
}

// One writer that creates, counts and forgets while two readers scrape: for ThreadSanitizer, and for the total.
TEST(LedgerThreads, ScrapesGoOnWhileTheLoopCounts) {
    constexpr int kRounds = 300;
    constexpr int kDeaths = 64;
    Ledger ledger({.max_series = 3000, .retain = 10});
    std::atomic<bool> done{false};
    std::atomic<std::uint64_t> scrapes{0};
    const auto scrape = [&] {
        while (!done.load()) {
            (void)read_all(ledger);
            scrapes.fetch_add(1);
        }
    };
    std::thread first(scrape);
    std::thread second(scrape);
    ZombieNode zombie;
    int round = 0;
    // Until both have been at work, however few processors there are.
    for (; round < kRounds || scrapes.load() < 4; ++round) {
        const auto place = container_place("shop", "job-" + std::to_string(round % 64));
        ledger.discover(place);
        for (int i = 0; i < kDeaths; ++i) {
            ledger.on_event(death_by(i % 2 == 0 ? place : nullptr, 1 + i, static_cast<KillerClass>(i % 11)));
        }
        ledger.workload(nullptr).zombies().add(zombie, static_cast<Instant>(round) + 1);
        ledger.on_event(reap_of(place, 1));
        ZombieList::remove(zombie);
        ledger.place_gone(place, static_cast<Instant>(round));
        ledger.forget_gone(static_cast<Instant>(round));
    }
    done = true;
    first.join();
    second.join();
    EXPECT_EQ(ledger.workload(nullptr).exits(Reason::signal), static_cast<std::uint64_t>(round * kDeaths / 2));
    EXPECT_LE(ledger.series(), 3000U);
}

} // namespace
} // namespace knell

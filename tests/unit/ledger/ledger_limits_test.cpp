#include "agent/ledger/ledger.hpp"
#include "tests/unit/ledger/samples.hpp"

#include <gtest/gtest.h>

#include <malloc.h>

#include <csignal>

namespace knell {
namespace {

const Workload* overflow_of(const Ledger& ledger) {
    for (const auto& workload : ledger.workloads()) {
        if (workload->labels().name_space == kOverflowNamespace) {
            return workload.get();
        }
    }
    return nullptr;
}

// Bytes that are allocated; 0 under a sanitizer's allocator, where a comparison says nothing.
std::size_t heap_in_use() {
    const auto info = ::mallinfo2();
    return info.uordblks + info.hblkhd;
}

std::uint64_t exits_of(const Ledger& ledger) {
    std::uint64_t exits = 0;
    for (const auto& workload : ledger.workloads()) {
        for (std::size_t i = 0; i < kReasonCount; ++i) {
            exits += workload->exits(static_cast<Reason>(i));
        }
    }
    return exits;
}

// Every way to die that there is: what makes a workload show as much as it can.
void die_in_every_way(Ledger& ledger, const std::shared_ptr<const Place>& place) {
    for (int signal = 1; signal <= kLastSignal + 1; ++signal) {
        for (std::size_t killer = 0; killer < kKillerClassCount; ++killer) {
            Exit exit = death_by(place, signal, static_cast<KillerClass>(killer));
            exit.core_dumped = killer % 2 == 0;
            exit.since_stop_request = 1;
            ledger.on_event(exit);
        }
    }
    ledger.on_event(reap_of(place, 1));
}

TEST(LedgerLimits, TheOverflowWorkloadAppearsWithItsFirstUse) {
    Ledger ledger({.max_series = Ledger::kMinSeries});
    EXPECT_EQ(overflow_of(ledger), nullptr);
    EXPECT_EQ(ledger.series_overflow(), 0U);
    const auto place = container_place("shop", "web");
    ledger.on_event(exit_of(place, 0));
    ASSERT_NE(overflow_of(ledger), nullptr);
    EXPECT_EQ(overflow_of(ledger)->exits(Reason::success), 1U);
    EXPECT_EQ(ledger.series_overflow(), 1U);
}

// No count is lost: what finds no cell of its own is in the overflow workload under the same labels.
TEST(LedgerLimits, CellsWithoutRoomFold) {
    Ledger ledger({.max_series = Ledger::kMinSeries});
    Exit exit = death_by(nullptr, SIGKILL, KillerClass::host);
    exit.since_stop_request = 500;
    ledger.on_event(exit);
    EXPECT_EQ(ledger.workload(nullptr).exits(Reason::signal), 1U); // fixed cells are there
    EXPECT_EQ(ledger.workload(nullptr).kills().size(), 0U);
    const Workload* overflow = overflow_of(ledger);
    ASSERT_NE(overflow, nullptr);
    std::uint64_t kills = 0;
    overflow->kills().for_each([&kills](const Kill& kill, std::uint64_t n, Instant) {
        EXPECT_EQ(kill, (Kill{SIGKILL, KillerClass::host}));
        kills += n;
    });
    EXPECT_EQ(kills, 1U);
    ASSERT_NE(overflow->termination(), nullptr);
    EXPECT_EQ(overflow->termination()->snapshot().sum, 500U);
    EXPECT_EQ(ledger.series_overflow(), 3U); // a signal, a kill, a histogram
}

TEST(LedgerLimits, NothingThatProcessesDoExceedsMaxSeries) {
    for (const std::uint32_t max : {0U, Ledger::kMinSeries, Ledger::kMinSeries + 100, 5000U}) {
        Ledger ledger({.max_series = max});
        for (int i = 0; i < 20; ++i) {
            die_in_every_way(ledger, container_place("shop", "web-" + std::to_string(i)));
        }
        EXPECT_LE(ledger.series(), std::max(max, Ledger::kMinSeries));
        EXPECT_GT(ledger.series_overflow(), 0U);
        EXPECT_EQ(exits_of(ledger), 20U * (kLastSignal + 1) * kKillerClassCount);
    }
}

TEST(LedgerLimits, TheWorstWorkloadShowsWhatIsReservedForIt) {
    Ledger ledger({.max_series = 100'000});
    const auto place = container_place("shop", "web");
    die_in_every_way(ledger, place);
    for (int signal = 1; signal <= kLastSignal + 1; ++signal) {
        Exit exit = death_by(place, signal, KillerClass::host);
        exit.core_dumped = true;
        ledger.on_event(exit);
    }
    EXPECT_EQ(ledger.workload(place).series(), Workload::kMaxSeries);
    EXPECT_EQ(ledger.series_overflow(), 0U);
}

TEST(LedgerLimits, AHundredThousandPlacesStayWithinTheBoundAndInFlatMemory) {
    constexpr std::uint32_t kMaxSeries = 20'000;
    constexpr int kPlaces = 100'000;
    Ledger ledger({.max_series = kMaxSeries});
    std::size_t heap_early = 0;
    for (int i = 0; i < kPlaces; ++i) {
        if (i == kPlaces / 10) {
            heap_early = heap_in_use();
        }
        ledger.on_event(exit_of(container_place("shop", "job-" + std::to_string(i)), 0));
    }
    EXPECT_LE(ledger.series(), kMaxSeries);
    EXPECT_EQ(exits_of(ledger), static_cast<std::uint64_t>(kPlaces));
    EXPECT_GT(overflow_of(ledger)->exits(Reason::success), static_cast<std::uint64_t>(kPlaces / 2));
    EXPECT_LE(heap_in_use(), heap_early + 65'536);
}

// A container in a crash loop: many cgroups, one workload.
TEST(LedgerLimits, ManyPlacesOfOneWorkloadStayInFlatMemoryAndCount) {
    constexpr int kRestarts = 100'000;
    Ledger ledger({});
    std::size_t heap_early = 0;
    for (int i = 0; i < kRestarts; ++i) {
        if (i == kRestarts / 10) {
            heap_early = heap_in_use();
        }
        const auto place = container_place("shop", "crashing");
        ledger.on_event(exit_of(place, 1));
        ledger.place_gone(place, 1);
    }
    const auto workloads = ledger.workloads();
    ASSERT_EQ(workloads.size(), 2U);
    EXPECT_EQ(workloads[1]->exits(Reason::error), static_cast<std::uint64_t>(kRestarts));
    EXPECT_EQ(ledger.series_overflow(), 0U);
    EXPECT_LE(heap_in_use(), heap_early + 65'536);
}

TEST(LedgerLimits, RoomThatIsForgottenIsUsedAgain) {
    Ledger ledger({.max_series = Ledger::kMinSeries + Workload::kFixedSeries, .retain = 10});
    const auto first = container_place("shop", "first");
    const auto second = container_place("shop", "second");
    ledger.discover(first);
    ledger.discover(second);
    EXPECT_EQ(ledger.workload(second).labels().name_space, kOverflowNamespace);
    ledger.place_gone(first, 0);
    ledger.forget_gone(10);
    EXPECT_EQ(ledger.workload(second).labels().container, "second");
}

// A namespace of that name must not bring a second set of the same series into one scrape.
TEST(LedgerLimits, APlaceThatCallsItselfOtherIsCountedThere) {
    Ledger ledger({});
    ledger.on_event(exit_of(container_place("_other", "evil"), 0));
    ledger.on_event(exit_of(container_place("_other", ""), 0));
    ASSERT_EQ(ledger.workloads().size(), 2U);
    EXPECT_EQ(overflow_of(ledger)->exits(Reason::success), 2U);
    EXPECT_EQ(overflow_of(ledger)->labels().container, "");
}

// The promise behind "RSS <= 16 MiB with 1k containers".
TEST(LedgerLimits, AThousandWorkloadsAreSmall) {
    Ledger ledger({.max_series = 100'000});
    std::vector<std::shared_ptr<const Place>> places;
    for (int i = 0; i < 1000; ++i) {
        places.push_back(container_place("a-namespace-of-usual-length", "container-number-" + std::to_string(i)));
    }
    const std::size_t with_places = heap_in_use();
    for (const auto& place : places) {
        ledger.discover(place);
    }
    EXPECT_LT(heap_in_use() - with_places, 1'200'000U);
}

} // namespace
} // namespace knell

#pragma once

#include "agent/observer/death_reporter.hpp"
#include "agent/pidfd/pidfd.hpp"
#include "tests/support/children.hpp"
#include "tests/unit/loop/loop_fixture.hpp"
#include "tests/unit/watch/fake_slots.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace knell::test {

struct RecordingSink final : EventSink {
    std::vector<Event> events;
    void on_event(const Event& event) override { events.push_back(event); }

    template <typename Kind>
    [[nodiscard]] std::vector<Kind> of() const {
        std::vector<Kind> found;
        for (const Event& event : events) {
            if (const auto* one = std::get_if<Kind>(&event)) {
                found.push_back(*one);
            }
        }
        return found;
    }
};

// An exit record as the kernel side writes it. `time` is of the last thread's end.
knell_exit exit_record(const knell_process& process, int status, Instant time = 5000);
// `record` with the signal that killed its process: by kill() from process 77, uid 1000, "killer".
knell_exit killed_by(knell_exit record, int number, std::uint32_t sender_flags = 0);

inline WatchSelect select_comm(const std::string& comm) {
    return {PatternList({"*"}), PatternList({comm})};
}

// A reporter between a real loop and pool and a sink, over slots that the test writes. Nothing is known of cgroups.
class ReporterTest : public testing::Test {
  protected:
    static constexpr DeathReporter::Sources kAllSources{.exit_records = true, .observes_signals = true};
    static constexpr DeathReporter::Sources kPidfdsOnly{.exit_records = false, .observes_signals = false};

    void SetUp() override;
    void TearDown() override;
    // Makes reporter and pool; without exit records there are no slots either.
    void start(DeathReporter::Sources sources, WatchSelect select = select_comm("*"));

    // Watches a process that was just born.
    Watch* watch(const knell_process& process);
    // Takes in the selected processes of /proc; true when they are so many.
    [[nodiscard]] bool scan_finds(std::size_t processes);
    // The record comes out of the ring.
    void record(const knell_exit& exit) { reporter->exited(exit, pool->exited(exit.process)); }
    // The kernel writes the times of the process that was watched last.
    void write_slot(Instant exit, Instant notify);

    void run_until_zombies(std::uint64_t count);
    void run_until_released(); // all watches
    [[nodiscard]] std::uint64_t zombies() const;
    [[nodiscard]] Instant oldest_zombie() const;

    std::unique_ptr<Loop> loop;
    FakeSlots slots{8};
    Ledger ledger{LedgerLimits{}};
    Places places{PlaceResolver(Hierarchies{}, AttributionMode::automatic, NamePaths{}), ledger};
    RecordingSink sink;
    std::optional<DeathReporter> reporter;
    std::optional<Pool> pool;
};

// Where the kernel tells a zombie from a reaped process.
class ZombieTest : public ReporterTest {
  protected:
    void SetUp() override;
};

// A name for processes of this test run that no other process has.
std::string own_name();

} // namespace knell::test

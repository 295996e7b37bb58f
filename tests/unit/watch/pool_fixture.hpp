#pragma once

#include "agent/watch/pool.hpp"
#include "tests/support/children.hpp"
#include "tests/unit/loop/loop_fixture.hpp"
#include "tests/unit/watch/fake_slots.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace knell::test {

// Writes down what a pool tells.
class RecordingListener final : public PoolListener {
  public:
    std::vector<std::string> calls; // "watched", "ended", "reaped", "released"
    std::vector<knell_process> watched_processes;
    std::vector<knell_process> asked;
    std::vector<WatchedEnd> ends;
    std::vector<Instant> times; // of ended and reaped
    std::function<bool(const knell_process&)> select = [](const knell_process&) { return true; };
    bool can_tell = true;  // whom it selects
    Watch* last = nullptr; // watched last

    [[nodiscard]] bool was(const std::string& call) const { return count(call) > 0; }
    [[nodiscard]] std::size_t count(const std::string& call) const;

    Selection selects(const knell_process& process, const Fd* proc_directory) override;
    void watched(Watch& watch, const knell_process& process, const Fd* proc_directory) override;
    void ended(Watch& watch, Instant now) override;
    void reaped(Watch& watch, Instant now) override;
    void released(Watch& watch) override;
};

// A real loop that refuses waits, or lets them fail, on request.
class RefusingLoop final : public Loop {
  public:
    explicit RefusingLoop(Loop& real) : real_(real) {}

    int refuse_with = 0;           // errno of the next poll_once(); 0 = they go to the real loop
    bool on_no_descriptor = false; // the next ones wait on a descriptor that is none

    Result<> poll_once(PollOp& op, int fd, int events) override;
    Result<> run(TurnDriver& driver) override { return real_.run(driver); }
    void wake() override { real_.wake(); }
    void stop() override { real_.stop(); }
    [[nodiscard]] Backend backend() const override { return real_.backend(); }
    [[nodiscard]] Stats stats() const override { return real_.stats(); }

  private:
    Loop& real_;
};

// A pool of four over fake slots, on each kind of loop. min_age is 100 ns: tests say what time it is.
class PoolTest : public LoopTest {
  protected:
    static constexpr Nanoseconds kMinAge = 100;
    static constexpr Instant kBirth = 1000;
    static constexpr Instant kDue = kBirth + kMinAge;
    static constexpr std::size_t kAll = 1000;

    void SetUp() override;
    void TearDown() override;

    // Has a process watched as the observer does: its birth, then min_age. Null when it was refused.
    Watch* watch(const knell_process& process);
    Watch* watch(const Process& child) { return watch(describe(child.pid())); }

    void run_until_told(const std::string& call);
    // candidate, alive, zombie
    [[nodiscard]] std::array<std::uint64_t, 3> states() const;
    // Refusals by reason that are not 0: "full 1 gone 2".
    [[nodiscard]] std::string refusals() const;

    FakeSlots slots{4};
    RecordingListener listener;
    std::unique_ptr<RefusingLoop> refusing;
    std::unique_ptr<Pool> pool;
};

// Needs /proc. What a pool does not give back shows.
std::size_t open_descriptors();

} // namespace knell::test

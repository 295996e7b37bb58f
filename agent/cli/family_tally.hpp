#pragma once

#include "agent/cli/distribution.hpp"
#include "agent/cli/family.hpp"
#include "agent/event/event.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

namespace knell {

// How the processes of a family lived and died.
struct FamilyCounts {
    std::uint64_t processes = 0; // born, the founder included
    std::uint64_t execs = 0;
    std::uint64_t exits = 0;
    std::uint64_t still_running = 0;
    std::array<std::uint64_t, kReasonCount> reasons{};
    std::map<std::pair<int, KillerClass>, std::uint64_t> kills; // by signal
    Distribution lifetime;
    // Of the watched: the kernel's teardown, our wake-up, their parents' collecting them.
    Distribution teardown;
    Distribution reaction;
    Distribution reap;
    // Of the dead.
    Nanoseconds user = 0;
    Nanoseconds system = 0;
    std::uint64_t peak_rss_bytes = 0; // most of one process
    std::uint64_t minor_faults = 0;
    std::uint64_t major_faults = 0;
};

// Counts what happens to a family, and to nobody else. Loop thread.
class FamilyTally final : public EventSink {
  public:
    // `inherited_rss_bytes`: the most memory of its creator. The kernel counts it as the founder's when that executes
    // its program (exec_mmap() in fs/exec.c), so a founder that shows no more has an unknown peak. `reaps_are_told`:
    // whether a Reap follows the Exit of each watched process.
    FamilyTally(Family family, std::uint64_t inherited_rss_bytes, bool reaps_are_told)
        : family_(std::move(family)), inherited_rss_bytes_(inherited_rss_bytes), reaps_are_told_(reaps_are_told) {}

    void born(const knell_fork& birth);
    void on_event(const Event& event) override;

    [[nodiscard]] const Family& family() const { return family_; }
    [[nodiscard]] Family& family() { return family_; }
    [[nodiscard]] FamilyCounts counts() const;
    // Watched members that ended and of which a Reap is still to come.
    [[nodiscard]] std::uint64_t uncollected() const { return uncollected_.size(); }

  private:
    void count_exit(const Exit& exit);
    void count_resources(const ProcessIdentity& process, const Resources& used);
    void count_reap(const Reap& reap);

    Family family_;
    std::uint64_t inherited_rss_bytes_;
    bool reaps_are_told_;
    FamilyCounts counts_;
    tsl::robin_map<std::uint32_t, Instant> uncollected_; // by number, their start
};

} // namespace knell

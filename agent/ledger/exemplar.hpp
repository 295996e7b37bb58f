#pragma once

#include "agent/base/clock.hpp"
#include "agent/event/event.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

namespace knell {

// One process out of those that a counter or a bucket counted, as OpenMetrics calls it.
struct Exemplar {
    std::uint32_t pid = 0;
    std::string comm;      // raw bytes
    Instant time = 0;      // of the event that was counted
    Nanoseconds value = 0; // what a histogram observed; 0 of a counter
};

// The exemplar of one counter or bucket: the last process counted. One thread sets it and never waits; any thread
// reads.
class ExemplarCell {
  public:
    void set(const ProcessIdentity& process, Instant time, Nanoseconds value = 0);

    // Empty until the first set(), and when the writer was faster at each of some tries: the next scrape has one.
    [[nodiscard]] std::optional<Exemplar> read() const;

  private:
    static constexpr std::size_t kCommWords = 2; // TASK_COMM_LEN is 16 bytes
    // comm, time, value, pid
    static constexpr std::size_t kWords = kCommWords + 3;
    using Words = std::array<std::uint64_t, kWords>;

    // Odd while it is being written. Each word is stored with release and loaded with acquire: who sees a new word sees
    // the new version too, and knows that its words do not belong together.
    std::atomic<std::uint64_t> version_{0};
    std::array<std::atomic<std::uint64_t>, kWords> words_{};
};

} // namespace knell

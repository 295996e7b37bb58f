#pragma once

#include "agent/base/clock.hpp"
#include "agent/event/lost_lines.hpp"
#include "exporters/jsonl/output.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace knell {

// Writes whole lines in order to an output that may be slow, full or gone, without ever waiting for it. What cannot be
// written now is kept, up to 256 KiB, and goes first the next time; beyond that new lines are dropped and counted. A
// line is not torn: what follows a half-written line is its other half, unless the output failed in between.
//
// One thread writes; the counts may be read from any.
class LineWriter {
  public:
    explicit LineWriter(Output output) : output_(std::move(output)) {}

    // `line` ends with its only '\n'. False when the output failed in a way that does not pass, such as a broken pipe:
    // then nothing is kept. Trying again is allowed (a named pipe may find a new reader).
    bool write(std::string_view line);

    // Writes what was kept as far as it goes. False as above.
    bool flush();

    // Waits for a slow reader until nothing is kept or `patience` is over. For a program's end.
    void drain(Nanoseconds patience);

    // What is still kept is lost, and counted. For the end of the output.
    void give_up();

    // Lines that are kept; the writing thread.
    [[nodiscard]] std::uint64_t waiting() const;
    [[nodiscard]] std::uint64_t dropped() const;
    [[nodiscard]] std::uint64_t dropped(LineLoss why) const { return dropped_[static_cast<std::size_t>(why)].value(); }
    // Of the last write that failed, whether or not it cost a line; 0 = none did.
    [[nodiscard]] int last_errno() const { return last_errno_.load(std::memory_order_relaxed); }

  private:
    void drop(std::uint64_t lines);

    Output output_;
    std::string kept_;
    LostLines dropped_;
    std::atomic<int> last_errno_{0};
};

} // namespace knell

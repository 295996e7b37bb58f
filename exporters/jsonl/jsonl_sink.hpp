#pragma once

#include "agent/base/result.hpp"
#include "agent/event/event.hpp"
#include "exporters/jsonl/line_writer.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace knell {

// Writes events as JSON lines to a file, a named pipe or standard output. Never waits for a reader: LineWriter says
// what happens to lines that it does not take. Every event that passes by, written or not, is a chance to write what
// was kept; on a node some process always exits, so kept lines do not get old.
class JsonlSink final : public EventSink {
  public:
    // Appends to `path`; "-" is standard output. `reasons` selects exits; empty = every event. With reasons only exits
    // are written: a reap or exec has none. Lines that are lost are added to `lost`, which outlives the sink: those of
    // all sinks that an agent has had, one after another.
    static Result<std::unique_ptr<JsonlSink>> open(const std::string& path, std::vector<Reason> reasons,
                                                   LostLines& lost);

    JsonlSink(Output output, std::vector<Reason> reasons, LostLines& lost);
    // Gives a slow reader a moment to take what was kept.
    ~JsonlSink() override;
    JsonlSink(const JsonlSink&) = delete;
    JsonlSink& operator=(const JsonlSink&) = delete;

    void on_event(const Event& event) override;

    // Lines that were lost, in all and by cause; any thread.
    [[nodiscard]] std::uint64_t dropped() const { return writer_.dropped(); }
    [[nodiscard]] std::uint64_t dropped(LineLoss why) const { return writer_.dropped(why); }
    // Of the last write that failed; 0 = none did. Any thread.
    [[nodiscard]] int last_errno() const { return writer_.last_errno(); }

  private:
    [[nodiscard]] bool selects(const Event& event) const;
    void note_losses();

    LineWriter writer_;
    std::vector<Reason> reasons_;
    LostLines& lost_;
    std::array<std::uint64_t, kLineLossNames.size()> noted_{}; // of the writer's
};

} // namespace knell

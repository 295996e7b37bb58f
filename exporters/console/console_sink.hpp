#pragma once

#include "agent/event/event.hpp"
#include "exporters/console/event_filter.hpp"
#include "exporters/console/row.hpp"

#include <unistd.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

namespace knell {

class LineWriter;

struct ConsoleOptions {
    bool json = false; // JSON lines (exporters/jsonl) instead of a table
    EventFilter filter;
    std::uint64_t count = 0;          // end after so many events; 0 = never
    int fd = STDOUT_FILENO;           // stays the caller's
    bool colour = false;              // see inspect_terminal()
    std::optional<std::size_t> width; // of the terminal, at the start; empty = not a terminal: nothing is shortened
};

// Prints events as they happen: what `knell trace` shows. Never waits for a reader (exporters/jsonl/line_writer.hpp);
// lines that it cannot take at once are kept and follow with the next event, whether or not that is shown.
class ConsoleSink final : public EventSink {
  public:
    // Prints the table's header. `on_done` is called once, from on_event(), when `count` events are printed or the
    // output is gone, such as `head` after its last line; events after that are ignored.
    ConsoleSink(ConsoleOptions options, std::function<void()> on_done);
    ~ConsoleSink() override;
    ConsoleSink(const ConsoleSink&) = delete;
    ConsoleSink& operator=(const ConsoleSink&) = delete;

    void on_event(const Event& event) override;

    // Waits up to `patience` for a slow reader to take what is kept. Call before the program ends: returns how many
    // lines were not taken, then or before.
    std::uint64_t drain(Nanoseconds patience);

    // Lines that were lost; any thread.
    [[nodiscard]] std::uint64_t dropped() const;
    // Of the last write that failed; 0 = none did. EPIPE is a reader's usual way to end. Any thread.
    [[nodiscard]] int last_errno() const;

  private:
    [[nodiscard]] std::string format(const Event& event) const;
    void finish();

    ConsoleOptions options_;
    std::function<void()> on_done_;
    Layout layout_;
    std::unique_ptr<LineWriter> writer_;
    std::uint64_t printed_ = 0;
    bool done_ = false;
};

} // namespace knell

#include "exporters/console/console_sink.hpp"

#include "exporters/jsonl/event_json.hpp"
#include "exporters/jsonl/line_writer.hpp"

#include <utility>

namespace knell {

ConsoleSink::ConsoleSink(ConsoleOptions options, std::function<void()> on_done)
    : options_(std::move(options)), on_done_(std::move(on_done)),
      layout_(options_.width ? Layout::for_terminal(*options_.width, options_.colour) : Layout::for_file()),
      writer_(std::make_unique<LineWriter>(Output::borrow(options_.fd))) {
    if (!options_.json) {
        // Should the output be gone already, the first event notices.
        (void)writer_->write(format_header(layout_) + '\n');
    }
}

ConsoleSink::~ConsoleSink() = default;

void ConsoleSink::on_event(const Event& event) {
    if (done_) {
        return;
    }
    const bool shown = options_.filter.matches(event);
    const bool alive = shown ? writer_->write(format(event) + '\n') : writer_->flush();
    printed_ += shown ? 1 : 0;
    if (!alive || (options_.count != 0 && printed_ >= options_.count)) {
        finish();
    }
}

std::uint64_t ConsoleSink::drain(Nanoseconds patience) {
    writer_->drain(patience);
    return writer_->dropped() + writer_->waiting();
}

std::uint64_t ConsoleSink::dropped() const {
    return writer_->dropped();
}

int ConsoleSink::last_errno() const {
    return writer_->last_errno();
}

std::string ConsoleSink::format(const Event& event) const {
    return options_.json ? to_json(event) : format_row(event, layout_);
}

void ConsoleSink::finish() {
    done_ = true;
    on_done_();
}

} // namespace knell

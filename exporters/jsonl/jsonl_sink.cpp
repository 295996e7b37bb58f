#include "exporters/jsonl/jsonl_sink.hpp"

#include "exporters/jsonl/event_json.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <variant>

namespace knell {

namespace {

constexpr Nanoseconds kPatienceAtTheEnd = 100 * kMillisecond;

} // namespace

Result<std::unique_ptr<JsonlSink>> JsonlSink::open(const std::string& path, std::vector<Reason> reasons,
                                                   LostLines& lost) {
    if (path == "-") {
        if (::fcntl(STDOUT_FILENO, F_GETFD) < 0) {
            return system_failure("write events to standard output", errno, "it is closed; name a file instead");
        }
        return std::make_unique<JsonlSink>(Output::borrow(STDOUT_FILENO), std::move(reasons), lost);
    }
    Result<Output> output = Output::open(path);
    if (!output) {
        return std::unexpected(std::move(output.error()));
    }
    return std::make_unique<JsonlSink>(*std::move(output), std::move(reasons), lost);
}

JsonlSink::JsonlSink(Output output, std::vector<Reason> reasons, LostLines& lost)
    : writer_(std::move(output)), reasons_(std::move(reasons)), lost_(lost) {}

JsonlSink::~JsonlSink() {
    writer_.drain(kPatienceAtTheEnd);
    writer_.give_up();
    note_losses();
}

void JsonlSink::note_losses() {
    for (std::size_t why = 0; why < noted_.size(); ++why) {
        const std::uint64_t dropped = writer_.dropped(static_cast<LineLoss>(why));
        if (dropped != noted_[why]) {
            lost_[why].add(dropped - noted_[why]);
            noted_[why] = dropped;
        }
    }
}

void JsonlSink::on_event(const Event& event) {
    // What became of the output is in the counts; there is nothing else that an exporter could do about it.
    if (selects(event)) {
        (void)writer_.write(to_json(event) + '\n');
    } else {
        (void)writer_.flush();
    }
    note_losses();
}

bool JsonlSink::selects(const Event& event) const {
    if (reasons_.empty()) {
        return true;
    }
    const Exit* exit = std::get_if<Exit>(&event);
    return exit != nullptr && std::ranges::find(reasons_, exit->reason) != reasons_.end();
}

} // namespace knell

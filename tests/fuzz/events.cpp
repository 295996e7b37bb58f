// Events with names that processes chose: as JSON lines, as rows of a table, on the page.
#include "agent/attribution/make_place.hpp"
#include "agent/base/text.hpp"
#include "exporters/console/row.hpp"
#include "exporters/wording/cells.hpp"
#include "tests/fuzz/event_promises.hpp"
#include "tests/fuzz/promise.hpp"

#include <fuzzer/FuzzedDataProvider.h>

#include <memory>
#include <optional>
#include <string>

namespace knell::fuzz {
namespace {

constexpr std::uint32_t kHighestPid = 4'194'304;           // PID_MAX_LIMIT
constexpr Nanoseconds kLongest = 800 * 86400ULL * kSecond; // what a column has room for

template <typename Enum, std::size_t N>
Enum pick(FuzzedDataProvider& input, const std::array<std::string_view, N>& /*names*/) {
    return static_cast<Enum>(input.ConsumeIntegralInRange<std::size_t>(0, N - 1));
}

template <typename T, typename Make>
std::optional<T> perhaps(FuzzedDataProvider& input, Make make) {
    return input.ConsumeBool() ? std::optional<T>(make()) : std::nullopt;
}

std::string make_name(FuzzedDataProvider& input) {
    return input.ConsumeRandomLengthString(64);
}

Nanoseconds make_time(FuzzedDataProvider& input) {
    return input.ConsumeIntegralInRange<Nanoseconds>(0, kLongest);
}

// Strings of places are UTF-8 already.
std::shared_ptr<const Place> make_any_place(FuzzedDataProvider& input) {
    Place place = make_place(make_name(input), AttributionMode::automatic);
    place.name_space = to_utf8(make_name(input));
    place.pod = to_utf8(make_name(input));
    place.container = to_utf8(make_name(input));
    place.unit = to_utf8(make_name(input));
    return std::make_shared<const Place>(std::move(place));
}

ProcessIdentity make_process(FuzzedDataProvider& input) {
    ProcessIdentity process;
    process.pid = input.ConsumeIntegralInRange<std::uint32_t>(0, kHighestPid);
    process.ppid = input.ConsumeIntegralInRange<std::uint32_t>(0, kHighestPid);
    process.uid = perhaps<std::uint32_t>(input, [&] { return input.ConsumeIntegral<std::uint32_t>(); });
    process.comm = make_name(input);
    process.start = make_time(input);
    process.place = input.ConsumeBool() ? make_any_place(input) : nullptr;
    return process;
}

Killer make_killer(FuzzedDataProvider& input) {
    Killer killer;
    killer.kind = pick<KillerClass>(input, kKillerClassNames);
    killer.pid = perhaps<std::uint32_t>(input, [&] { return input.ConsumeIntegral<std::uint32_t>(); });
    killer.comm = make_name(input);
    killer.exe = make_name(input);
    return killer;
}

Exit make_exit(FuzzedDataProvider& input) {
    Exit exit;
    exit.process = make_process(input);
    exit.time = make_time(input);
    exit.reason = pick<Reason>(input, kReasonNames);
    exit.exit_code = perhaps<int>(input, [&] { return input.ConsumeIntegralInRange(0, 255); });
    exit.signal = input.ConsumeIntegralInRange(0, 127);
    exit.core_dumped = input.ConsumeBool();
    exit.oom_scope = perhaps<OomScope>(input, [&] { return pick<OomScope>(input, kOomScopeNames); });
    exit.killer = perhaps<Killer>(input, [&] { return make_killer(input); });
    exit.preceded_by = input.ConsumeIntegralInRange(0, 64);
    exit.exe = make_name(input);
    exit.reaction = perhaps<Nanoseconds>(input, [&] { return make_time(input); });
    exit.spilled = input.ConsumeBool() ? input.ConsumeIntegral<std::uint64_t>() : 0;
    return exit;
}

PidfdOpen make_pidfd_open(FuzzedDataProvider& input) {
    PidfdOpen open;
    open.process = make_process(input);
    open.time = make_time(input);
    open.target_pid = input.ConsumeIntegral<std::uint32_t>();
    open.target_comm = make_name(input);
    open.via = pick<PidfdVia>(input, kPidfdViaNames);
    return open;
}

Event make_event(FuzzedDataProvider& input) {
    switch (input.ConsumeIntegralInRange(0, 3)) {
    case 0:
        return Reap{make_process(input), make_time(input), make_time(input)};
    case 1:
        return Exec{make_process(input), make_time(input)};
    case 2:
        return make_pidfd_open(input);
    default:
        return make_exit(input);
    }
}

} // namespace
} // namespace knell::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace knell;
    FuzzedDataProvider input(data, size);
    const auto width = input.ConsumeIntegralInRange<std::size_t>(80, 240);
    const Event event = fuzz::make_event(input);
    fuzz::check_event(event);
    const std::string row = format_row(event, Layout::for_terminal(width, false));
    fuzz::require(count_cells(row) == width, "a row fills the terminal's width", row);
    return 0;
}

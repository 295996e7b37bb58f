#include "exporters/console/row.hpp"

#include "agent/base/text.hpp"
#include "exporters/wording/cells.hpp"
#include "exporters/wording/wording.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <array>
#include <ctime>
#include <optional>
#include <string_view>
#include <variant>

namespace knell {

namespace {

constexpr std::size_t kMinWidth = 80;

// The texts of one row before they are fitted into their columns.
struct Row {
    std::string time;
    std::string pid;
    std::string comm;
    std::string where;
    std::string reason;
    std::string killer = "-";
    std::string lifetime = "-";
    std::string reaction = "-";
    std::string_view colour; // of the reason; empty = none
};

std::string_view colour_of(Severity severity) {
    switch (severity) {
    case Severity::high:
        return "\x1b[31m"; // red
    case Severity::medium:
        return "\x1b[33m"; // yellow
    case Severity::none:
        return "\x1b[2m"; // faint
    case Severity::low:
        break;
    }
    return "";
}

std::string local_time(Instant time) {
    if (time == 0) {
        return "-";
    }
    const auto seconds = static_cast<std::time_t>(to_unix_ns(time) / kSecond);
    std::tm local{};
    ::localtime_r(&seconds, &local);
    return fmt::format("{:%H:%M:%S}", local);
}

std::string duration_text(const std::optional<Nanoseconds>& duration) {
    return duration ? format_duration(*duration) : "-";
}

std::string age_text(const ProcessIdentity& process, Instant time) {
    return process.start != 0 && time != 0 ? format_duration(elapsed(process.start, time)) : "-";
}

Row start_row(const ProcessIdentity& process, Instant time, const Layout& layout) {
    Row row;
    row.time = local_time(time);
    row.pid = process.pid != 0 ? fmt::format("{}", process.pid) : "-";
    row.comm = process.comm.empty() ? "-" : to_terminal(process.comm);
    row.where = place_phrase(process.place.get(), layout.cut ? layout.where : 0);
    return row;
}

// Where the two do not fit, a signal's name says that it was one, and what came before it is worth more.
std::string reason_text(const Exit& exit, const Layout& layout) {
    constexpr std::string_view kWord = "signal ";
    std::string text = reason_phrase(exit);
    if (layout.cut && text.size() > layout.reason && text.starts_with(kWord)) {
        text.erase(0, kWord.size());
    }
    return text;
}

Row describe(const Exit& exit, const Layout& layout) {
    Row row = start_row(exit.process, exit.time, layout);
    row.reason = reason_text(exit, layout);
    row.killer = killer_phrase(exit);
    row.lifetime = age_text(exit.process, exit.time);
    row.reaction = duration_text(exit.reaction);
    row.colour = colour_of(severity(exit.reason));
    return row;
}

Row describe(const Reap& reap, const Layout& layout) {
    Row row = start_row(reap.process, reap.time, layout);
    row.reason = "reaped";
    row.reaction = duration_text(reap.reap);
    return row;
}

Row describe(const Exec& exec, const Layout& layout) {
    Row row = start_row(exec.process, exec.time, layout);
    row.reason = "exec";
    row.lifetime = age_text(exec.process, exec.time);
    return row;
}

// What the opener did stands where others have their reason: "pidfd 4242 nginx (clone)".
Row describe(const PidfdOpen& open, const Layout& layout) {
    Row row = start_row(open.process, open.time, layout);
    row.reason = fmt::format("pidfd {}", open.target_pid);
    if (!open.target_comm.empty()) {
        row.reason += " " + to_terminal(open.target_comm);
    }
    row.reason += fmt::format(" ({})", name_of(kPidfdViaNames, open.via));
    row.lifetime = age_text(open.process, open.time);
    return row;
}

std::string fit(const std::string& text, std::size_t width, const Layout& layout) {
    return pad_to(layout.cut ? cut_to(text, width, Keep::head) : text, width);
}

std::string join(const Row& row, const Layout& layout) {
    std::string reason = fit(row.reason, layout.reason, layout);
    if (layout.colour && !row.colour.empty()) {
        reason = fmt::format("{}{}\x1b[0m", row.colour, reason);
    }
    return fmt::format("{:<8} {:>7} {} {} {} {} {:>8} {:>8}", row.time, row.pid, fit(row.comm, layout.comm, layout),
                       fit(row.where, layout.where, layout), reason, fit(row.killer, layout.killer, layout),
                       row.lifetime, row.reaction);
}

} // namespace

Layout Layout::for_terminal(std::size_t width, bool colour) {
    Layout layout;
    layout.colour = colour;
    // The cells beyond the narrowest table are dealt out one by one to the columns that can still use them; WHERE
    // always can.
    struct Column {
        std::size_t& width;
        std::size_t enough; // the longest text that occurs in practice
    };
    const std::array<Column, 4> columns = {
        {{layout.where, SIZE_MAX}, {layout.comm, 15}, {layout.reason, 28}, {layout.killer, 42}}};
    std::size_t left = width > kMinWidth ? width - kMinWidth : 0;
    for (std::size_t next = 0; left > 0; ++next) {
        if (const Column& column = columns[next % columns.size()]; column.width < column.enough) {
            ++column.width;
            --left;
        }
    }
    return layout;
}

Layout Layout::for_file() {
    Layout layout;
    layout.comm = 15;
    layout.where = 30;
    layout.reason = 21;
    layout.killer = 24;
    layout.cut = false;
    return layout;
}

std::string format_header(const Layout& layout) {
    Row row;
    row.time = "TIME";
    row.pid = "PID";
    row.comm = "COMM";
    row.where = "WHERE";
    row.reason = "REASON";
    row.killer = "KILLER";
    row.lifetime = "LIFETIME";
    row.reaction = "REACTION";
    return join(row, layout);
}

std::string format_row(const Event& event, const Layout& layout) {
    return std::visit([&](const auto& happened) { return join(describe(happened, layout), layout); }, event);
}

} // namespace knell

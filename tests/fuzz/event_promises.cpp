#include "tests/fuzz/event_promises.hpp"

#include "agent/base/text.hpp"
#include "exporters/console/row.hpp"
#include "exporters/jsonl/event_json.hpp"
#include "exporters/prometheus/page/deaths.hpp"
#include "tests/fuzz/promise.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

namespace knell::fuzz {
namespace {

const ProcessIdentity& process_of(const Event& event) {
    return std::visit([](const auto& happened) -> const ProcessIdentity& { return happened.process; }, event);
}

void check_json(const Event& event) {
    const std::string line = to_json(event);
    require(is_utf8(line) && !line.contains('\n'), "JSON is one line of UTF-8", line);
    const auto json = nlohmann::json::parse(line, nullptr, false);
    require(json.is_object() && json.contains("event"), "JSON parses", line);
    const ProcessIdentity& process = process_of(event);
    const nlohmann::json& described = std::holds_alternative<PidfdOpen>(event) ? json["opener"] : json;
    require(described.value("comm", "") == to_utf8(process.comm), "a name comes back as it was", line);
    require(described.value("pid", 0U) == process.pid, "a number comes back as it was", line);
    if (const auto* exit = std::get_if<Exit>(&event); exit != nullptr && exit->killer) {
        require(json["killer"].value("comm", "") == to_utf8(exit->killer->comm), "the killer's name does too", line);
    }
}

// Without the sequences that choose a colour.
std::string without_colour(std::string_view row) {
    std::string plain;
    while (!row.empty()) {
        const std::size_t begin = std::min(row.find('\x1b'), row.size());
        plain += row.substr(0, begin);
        row.remove_prefix(begin);
        row.remove_prefix(row.empty() ? 0 : row.find('m') + 1);
    }
    return plain;
}

void check_rows(const Event& event) {
    require(is_harmless(format_row(event, Layout::for_file())), "a row draws nothing");
    const std::string row = format_row(event, Layout::for_terminal(100, false));
    require(is_harmless(row), "a row draws nothing", row);
    require(without_colour(format_row(event, Layout::for_terminal(100, true))) == row, "a colour changes no text", row);
}

// The row of a death on the page, in its table.
std::string page_row(const Exit& exit) {
    std::string html;
    render_deaths(Html(html), PageData{}, {exit}, "latest", "Latest deaths");
    return html;
}

// Without the text between the tags.
std::string markup_of(std::string_view html) {
    std::string markup;
    bool inside = false;
    for (const char c : html) {
        inside = inside || c == '<';
        if (inside) {
            markup += c;
        }
        inside = inside && c != '>';
    }
    return markup;
}

void check_page(const Exit& exit) {
    const std::string html = page_row(exit);
    Exit nameless = exit;
    nameless.process.comm.clear();
    nameless.process.place.reset();
    if (nameless.killer) {
        nameless.killer->comm.clear();
    }
    require(is_utf8(html), "a page is UTF-8", html);
    require(markup_of(html) == markup_of(page_row(nameless)), "a name is no markup", html);
}

} // namespace

void check_event(const Event& event) {
    check_json(event);
    check_rows(event);
    if (const auto* exit = std::get_if<Exit>(&event)) {
        check_page(*exit);
    }
}

} // namespace knell::fuzz

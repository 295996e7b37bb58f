// Names of places as label values of the text exposition, and in the page for people.
#include "agent/base/text.hpp"
#include "exporters/prometheus/open_metrics.hpp"
#include "exporters/prometheus/page/html.hpp"
#include "exporters/prometheus/text.hpp"
#include "tests/fuzz/promise.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

namespace knell::fuzz {
namespace {

constexpr std::string_view kStart = "knell_zombies{namespace=\"";
constexpr std::string_view kMiddle = "\",unit=\"";
constexpr std::string_view kEnd = "\"} 1";
constexpr std::size_t kCommBytes = 16;

// Reads a label value as the format defines it, up to the quote that ends it, off the front of `text`. Strict: only the
// three escapes there are, no line end.
std::optional<std::string> take_value(std::string_view& text) {
    std::string value;
    while (!text.empty() && text.front() != '"') {
        char c = text.front();
        text.remove_prefix(1);
        if (c == '\\') {
            if (text.empty() || !std::string_view("\\\"n").contains(text.front())) {
                return std::nullopt;
            }
            c = text.front() == 'n' ? '\n' : text.front();
            text.remove_prefix(1);
        } else if (c == '\n') {
            return std::nullopt;
        }
        value += c;
    }
    return value;
}

bool take(std::string_view& text, std::string_view wanted) {
    const bool found = text.starts_with(wanted);
    text.remove_prefix(found ? wanted.size() : 0);
    return found;
}

void check_labels(const std::string& first, const std::string& second) {
    const std::string text = to_text(
        [&](const FamilySink& sink) {
            FamilyBuilder zombies(families::kZombies, sink);
            zombies.add({{"namespace", first}, {"unit", second}}, 1);
            zombies.finish();
        },
        1);
    require(is_utf8(text) && std::ranges::count(text, '\n') == 3, "a sample is one line of UTF-8", text);
    std::string_view line = text;
    for (int header = 0; header < 2; ++header) {
        require(line.starts_with("# "), "HELP and TYPE come first", text);
        line.remove_prefix(line.find('\n') + 1);
    }
    require(take(line, kStart), "the sample follows", text);
    require(take_value(line) == first, "a label reads as it was", text);
    require(take(line, kMiddle), "a label cannot leave its quotes", text);
    require(take_value(line) == second, "a label reads as it was", text);
    require(take(line, kEnd), "a label cannot leave its quotes", text);
}

// The same sample in OpenMetrics, with a process of that name as its exemplar.
void check_open_metrics(const std::string& label, std::string_view comm) {
    ExemplarCell last;
    last.set({.pid = 7, .comm = std::string(comm)}, 5, 0);
    const std::string text = to_open_metrics(
        [&](const FamilySink& sink) {
            FamilyBuilder exits(families::kExits, sink);
            exits.add({{"namespace", label}}, 1, {.created = 3, .exemplars = &last});
            exits.finish();
        },
        1, 1);
    require(is_utf8(text) && std::ranges::count(text, '\n') == 5, "a counter is four lines of UTF-8, and the end",
            text);
    std::string_view rest = text;
    rest.remove_prefix(std::min(rest.find("\nknell_") + 1, rest.size()));
    require(take(rest, "knell_process_exits_total{namespace=\""), "the sample follows", text);
    require(take_value(rest) == label, "a label reads as it was", text);
    require(take(rest, "\"} 1 # {pid=\"7\",comm=\""), "a label cannot leave its quotes", text);
    const std::optional<std::string> who = take_value(rest);
    require(who == to_utf8(comm.substr(0, std::min(comm.find('\0'), kCommBytes))), "a name reads as it was", text);
    require(take(rest, "\"} 1 "), "a name cannot leave its quotes", text);
    rest.remove_prefix(std::min(rest.find('\n') + 1, rest.size()));
    require(take(rest, "knell_process_exits_created{namespace=\""), "its creation follows", text);
    require(rest.ends_with("\n# EOF\n"), "the end comes last", text);
}

void check_html(std::string_view bytes) {
    const std::string html = to_html(bytes);
    require(is_harmless(html), "a page has no control characters", html);
    require(html.find_first_of("<>\"'") == std::string::npos, "a name is no markup", html);
    for (std::size_t at = html.find('&'); at != std::string::npos; at = html.find('&', at + 1)) {
        const std::string_view rest = std::string_view(html).substr(at);
        const auto known = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};
        require(std::ranges::any_of(known, [rest](const char* entity) { return rest.starts_with(entity); }),
                "an ampersand begins an entity", html);
    }
}

} // namespace
} // namespace knell::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace knell;
    const std::string_view bytes = fuzz::as_text(data, size);
    const std::size_t middle = size == 0 ? 0 : std::min<std::size_t>(data[0], size);
    fuzz::check_labels(to_utf8(bytes.substr(0, middle)), to_utf8(bytes.substr(middle)));
    fuzz::check_open_metrics(to_utf8(bytes.substr(0, middle)), bytes.substr(middle));
    fuzz::check_html(bytes);
    return 0;
}

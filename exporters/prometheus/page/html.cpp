#include "exporters/prometheus/page/html.hpp"

#include "agent/base/text.hpp"

#include <array>

namespace knell {

std::string to_html(std::string_view text) {
    std::string html;
    for (const char c : to_terminal(text)) {
        switch (c) {
        case '&':
            html += "&amp;";
            break;
        case '<':
            html += "&lt;";
            break;
        case '>':
            html += "&gt;";
            break;
        case '"':
            html += "&quot;";
            break;
        case '\'':
            html += "&#39;";
            break;
        default:
            html += c;
        }
    }
    return html;
}

std::string format_count(std::uint64_t count) {
    std::string text = std::to_string(count);
    for (std::size_t at = text.size(); at > 3;) {
        at -= 3;
        text.insert(at, 1, ',');
    }
    return text;
}

std::string format_bytes(std::uint64_t bytes) {
    constexpr std::array<std::string_view, 3> kUnits = {"KiB", "MiB", "GiB"};
    constexpr double kStep = 1024;
    if (bytes < 1024) {
        return fmt::format("{} B", bytes);
    }
    double value = static_cast<double>(bytes) / kStep;
    std::size_t unit = 0;
    for (; value >= kStep && unit + 1 < kUnits.size(); ++unit) {
        value /= kStep;
    }
    return fmt::format("{:.{}f} {}", value, value < 10 ? 1 : 0, kUnits[unit]);
}

std::string format_time(std::uint64_t unix_ns, std::uint64_t now_unix_ns, std::size_t decimals) {
    constexpr std::size_t kYear = std::string_view("2026-").size();
    constexpr std::size_t kDate = std::string_view("2026-01-31").size();
    constexpr std::size_t kSeconds = std::string_view("12:00:00").size();
    const std::string text = format_rfc3339(unix_ns);
    const std::string time = text.substr(kDate + 1, kSeconds + (decimals == 0 ? 0 : 1 + decimals));
    const bool today = format_rfc3339(now_unix_ns).compare(0, kDate, text, 0, kDate) == 0;
    return today ? time : text.substr(kYear, kDate - kYear) + " " + time;
}

} // namespace knell

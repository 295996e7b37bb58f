#include "exporters/prometheus/exposition_format.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <system_error>

namespace knell {

namespace {

constexpr ExpositionFormat kText = {.content_type = "text/plain; version=0.0.4; charset=utf-8"};
// The two versions differ in nothing that is written here.
constexpr ExpositionFormat kOpenMetrics1 = {
    .content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8", .open_metrics = true};
constexpr ExpositionFormat kOpenMetrics0 = {
    .content_type = "application/openmetrics-text; version=0.0.1; charset=utf-8", .open_metrics = true};

constexpr std::string_view kBlank = " \t";

std::string_view trim(std::string_view text) {
    const std::size_t first = text.find_first_not_of(kBlank);
    return first == std::string_view::npos ? std::string_view()
                                           : text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

// The part of `rest` up to `separator`, which is taken off it.
std::string_view take(std::string_view& rest, char separator) {
    const std::size_t end = rest.find(separator);
    const std::string_view part = trim(rest.substr(0, end));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    return part;
}

// Header values come in any case; ours are lower.
bool equal(std::string_view theirs, std::string_view ours) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    return std::ranges::equal(theirs, ours, {}, lower);
}

struct MediaRange {
    std::string_view type;
    std::string_view version; // empty: any
    double quality = 1;
};

MediaRange parse(std::string_view text) {
    MediaRange range{.type = take(text, ';'), .version = {}};
    while (!text.empty()) {
        std::string_view value = take(text, ';');
        const std::string_view name = take(value, '=');
        if (equal(name, "version")) {
            range.version = value;
        } else if (equal(name, "q")) {
            const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), range.quality);
            if (error != std::errc() || !(range.quality >= 0 && range.quality <= 1)) {
                range.quality = 0; // who cannot say how much it is liked does not get it
            }
        }
    }
    return range;
}

const ExpositionFormat* format_of(const MediaRange& range) {
    if (equal(range.type, "application/openmetrics-text")) {
        if (range.version.empty() || range.version == "1.0.0") {
            return &kOpenMetrics1;
        }
        return range.version == "0.0.1" ? &kOpenMetrics0 : nullptr;
    }
    constexpr std::array kTextual = {std::string_view("text/plain"), std::string_view("text/*"),
                                     std::string_view("*/*")};
    const bool textual =
        std::ranges::any_of(kTextual, [&](std::string_view type) { return equal(range.type, type); }) &&
        (range.version.empty() || range.version == "0.0.4");
    return textual ? &kText : nullptr;
}

} // namespace

const ExpositionFormat& negotiate(std::string_view accept) {
    const ExpositionFormat* best = &kText;
    double quality = 0;
    while (!accept.empty()) {
        const MediaRange range = parse(take(accept, ','));
        const ExpositionFormat* format = format_of(range);
        // The first of those that are liked as much.
        if (format != nullptr && range.quality > quality) {
            best = format;
            quality = range.quality;
        }
    }
    return *best;
}

} // namespace knell

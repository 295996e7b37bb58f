#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>

namespace knell {

// Where the parts of the page write to.
using Html = std::back_insert_iterator<std::string>;

// Text for HTML: control and bidirectional characters become visible, markup is escaped.
std::string to_html(std::string_view text);

// For people: "12,345"; "8.0 MiB".
std::string format_count(std::uint64_t count);
std::string format_bytes(std::uint64_t bytes);

// "03:12:40" UTC for nanoseconds since the Unix epoch, "01-31 03:12:40" when that was on another day than now.
// `decimals` of the second, up to nine.
std::string format_time(std::uint64_t unix_ns, std::uint64_t now_unix_ns, std::size_t decimals = 0);

} // namespace knell

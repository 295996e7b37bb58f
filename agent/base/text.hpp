#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace knell {

// Everything a process can name (comm, cgroup, file names) is hostile bytes. These make it fit for its destination.

// Valid UTF-8 of at most `max_bytes`: broken sequences (also those cut in the middle of a character) become U+FFFD.
// For metric labels, JSON and HTML; the caller's format still does its own escaping.
std::string to_utf8(std::string_view bytes, std::size_t max_bytes = 4096);

// For a terminal: as to_utf8, and control characters, DEL, and Unicode's bidirectional controls become visible escapes
// ("\x1b").
std::string to_terminal(std::string_view bytes, std::size_t max_bytes = 4096);

// Shell-like pattern over the whole text: '*' any run (also of '/'), '?' one byte, '[abc]', '[a-z]', '[!x]', '\'
// quotes. Takes at most pattern times text steps, whatever they hold.
bool glob_match(std::string_view pattern, std::string_view text);

// "2026-01-31T12:00:00.123456789Z" (RFC 3339) for nanoseconds since the Unix epoch.
std::string format_rfc3339(std::uint64_t unix_ns);

// A length of time for people, three significant digits: "340ns", "17.2us", "1.50ms", "12.3s", "4m07s", "3h12m",
// "9d04h".
std::string format_duration(std::uint64_t ns);

} // namespace knell

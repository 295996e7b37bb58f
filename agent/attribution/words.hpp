#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace knell {

// Cuts the text up to the first `separator`, or all of it, off the front of `text`; the separator goes too.
inline std::string_view take_word(std::string_view& text, char separator) {
    const std::size_t end = std::min(text.find(separator), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return word;
}

// Whether one of the words of `text` is `wanted`.
inline bool has_word(std::string_view text, char separator, std::string_view wanted) {
    while (!text.empty()) {
        if (take_word(text, separator) == wanted) {
            return true;
        }
    }
    return false;
}

// Without the " (deleted)" that the kernel appends to the path of a removed cgroup, in /proc/PID/cgroup
// (proc_cgroup_show) as in the links of /proc/PID/fd (d_path).
inline std::string_view without_deleted_mark(std::string_view path) {
    constexpr std::string_view kMark = " (deleted)";
    path.remove_suffix(path.ends_with(kMark) ? kMark.size() : 0);
    return path;
}

} // namespace knell

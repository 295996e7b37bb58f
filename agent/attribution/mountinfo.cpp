#include "agent/attribution/mountinfo.hpp"

#include "agent/attribution/words.hpp"

#include <optional>

namespace knell {

namespace {

// The kernel writes space, tab, newline and backslash as three octal digits (seq_path, mangle).
std::string unescape(std::string_view text) {
    const auto digit = [&](std::size_t i) { return static_cast<unsigned>(text[i]) - '0'; };
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 3 < text.size() && digit(i + 1) < 4 && digit(i + 2) < 8 && digit(i + 3) < 8) {
            out += static_cast<char>(digit(i + 1) * 64 + digit(i + 2) * 8 + digit(i + 3));
            i += 3;
        } else {
            out += text[i];
        }
    }
    return out;
}

// "id parent major:minor ROOT MOUNT_POINT options [optional fields] - FSTYPE source SUPER_OPTIONS"
// (proc_pid_mountinfo(5))
std::optional<CgroupMount> parse_line(std::string_view line) {
    for (int skipped = 0; skipped < 3; ++skipped) {
        take_word(line, ' ');
    }
    const std::string_view root = take_word(line, ' ');
    const std::string_view mount_point = take_word(line, ' ');
    while (!line.empty() && take_word(line, ' ') != "-") {
    }
    const std::string_view type = take_word(line, ' ');
    take_word(line, ' '); // the source is any text
    const bool is_v1_memory = type == "cgroup" && has_word(line, ',', "memory");
    if ((type != "cgroup2" && !is_v1_memory) || root.empty() || mount_point.empty()) {
        return std::nullopt;
    }
    return CgroupMount{.kind = is_v1_memory ? CgroupMount::Kind::v1_memory : CgroupMount::Kind::v2,
                       .root = unescape(root),
                       .mount_point = unescape(mount_point)};
}

} // namespace

std::vector<CgroupMount> parse_mountinfo(std::string_view text) {
    std::vector<CgroupMount> mounts;
    while (!text.empty()) {
        if (auto mount = parse_line(take_word(text, '\n'))) {
            mounts.push_back(std::move(*mount));
        }
    }
    return mounts;
}

} // namespace knell

#include "agent/pidfd/proc_fields.hpp"

#include <charconv>
#include <string>

namespace knell {

std::optional<std::vector<std::int64_t>> find_numbers(std::string_view text, std::string_view field) {
    // The newline in front keeps "Pid:" from being found in "PPid:". Names of processes cannot forge one: the kernel
    // escapes theirs (fs/proc/array.c, proc_task_name).
    const std::string start = "\n" + std::string(field) + ":";
    const std::size_t at = text.find(start);
    if (at == std::string_view::npos) {
        return std::nullopt;
    }
    std::string_view line = text.substr(at + start.size());
    line = line.substr(0, line.find('\n'));
    std::vector<std::int64_t> numbers;
    while (line.starts_with('\t')) {
        line.remove_prefix(1);
        const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), numbers.emplace_back());
        if (error != std::errc{}) {
            return std::nullopt;
        }
        line.remove_prefix(static_cast<std::size_t>(end - line.data()));
    }
    if (!line.empty() || numbers.empty()) {
        return std::nullopt;
    }
    return numbers;
}

} // namespace knell

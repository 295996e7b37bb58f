#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace knell {

// The numbers of the line "<field>:\t<number>\t<number>...": the form of fdinfo and of /proc/PID/status. Never the
// first line of `text`. At least one number; nullopt: no such line, or it holds something else. Pure. Not installed.
std::optional<std::vector<std::int64_t>> find_numbers(std::string_view text, std::string_view field);

} // namespace knell

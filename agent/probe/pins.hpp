#pragma once

// Private to probe/: how one set of programs and maps is laid out below a PinDirectory.

#include "agent/base/fd.hpp"
#include "agent/base/result.hpp"

#include <string>
#include <string_view>

namespace knell::pins {

inline constexpr std::string_view kMap = "map_";
inline constexpr std::string_view kLink = "link_";
inline constexpr std::string_view kProgram = "program_";

inline std::string path(const std::string& directory, std::string_view kind, std::string_view name) {
    return directory + "/" + std::string(kind) + std::string(name);
}

Result<> create(int fd, const std::string& path);
Result<Fd> open(const std::string& path);

} // namespace knell::pins

#pragma once

#include <string>

namespace knell {

// What runs: labels of knell_build_info and the foot of the landing page.
struct BuildInfo {
    std::string version;
    std::string revision;
    std::string libbpf;
    std::string liburing;
};

} // namespace knell

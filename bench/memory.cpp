#include "bench/memory.hpp"

#include "agent/base/file.hpp"

#include <fcntl.h>
#include <malloc.h>

#include <cstdlib>

namespace knell::bench {

std::uint64_t proc_number(const std::string& path, const std::string& name) {
    constexpr std::size_t kMost = 1U << 20;
    const std::string text = "\n" + read_small_file(AT_FDCWD, path.c_str(), kMost).value_or("");
    const std::size_t at = text.find("\n" + name + ":");
    return at == std::string::npos ? 0 : std::strtoull(text.c_str() + at + name.size() + 2, nullptr, 10);
}

Memory memory_now() {
    // What the allocator holds in reserve is not in use.
    (void)::malloc_trim(0);
    return {.own_bytes = static_cast<double>(proc_number("/proc/self/status", "RssAnon")) * 1024,
            .kernel_bytes = static_cast<double>(proc_number("/proc/meminfo", "Slab")) * 1024};
}

} // namespace knell::bench

#include "agent/probe/kallsyms.hpp"

#include <charconv>
#include <cstdio>
#include <memory>
#include <string>

namespace knell {
namespace {

struct CloseFile {
    void operator()(std::FILE* file) const { (void)std::fclose(file); }
};

} // namespace

Result<AddressRange> find_kernel_function(std::string_view name) {
    const std::unique_ptr<std::FILE, CloseFile> file(std::fopen("/proc/kallsyms", "re"));
    if (!file) {
        return system_failure("opening /proc/kallsyms", errno);
    }
    AddressRange range;
    char line[512];
    // "ffffffff81000000 T name\n" or "... name\t[module]\n"; the core kernel comes first, in order of addresses.
    while (std::fgets(line, sizeof line, file.get()) != nullptr) {
        const std::string_view text(line);
        std::uint64_t address = 0;
        const auto parsed = std::from_chars(text.data(), text.data() + text.size(), address, 16);
        const auto offset = static_cast<std::size_t>(parsed.ptr - text.data());
        if (parsed.ec != std::errc{} || offset + 3 >= text.size()) {
            continue;
        }
        const std::string_view symbol = text.substr(offset + 3, text.find_first_of("\t\n", offset + 3) - (offset + 3));
        if (range.start != 0) {
            if (address > range.start) {
                range.end = address;
                return range;
            }
        } else if (symbol == name) {
            if (address == 0) {
                return system_failure("finding " + std::string(name) + " in /proc/kallsyms: addresses are hidden",
                                      EPERM, "kernel.kptr_restrict, or CAP_SYSLOG is missing");
            }
            range.start = address;
        }
    }
    return system_failure("finding " + std::string(name) + " in /proc/kallsyms", ENOENT);
}

} // namespace knell

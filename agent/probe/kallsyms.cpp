#include "agent/probe/kallsyms.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

namespace knell {
namespace {

struct CloseFile {
    void operator()(std::FILE* file) const { (void)std::fclose(file); }
};

struct Symbol {
    std::uint64_t address = 0;
    std::string_view name;
};

// "ffffffff81000000 T name\n" or "... name\t[module]\n".
std::optional<Symbol> parse(std::string_view line) {
    Symbol symbol;
    const auto parsed = std::from_chars(line.data(), line.data() + line.size(), symbol.address, 16);
    const auto name = static_cast<std::size_t>(parsed.ptr - line.data()) + 3;
    if (parsed.ec != std::errc{} || name >= line.size()) {
        return std::nullopt;
    }
    symbol.name = line.substr(name, line.find_first_of("\t\n", name) - name);
    return symbol;
}

bool is_absent(const AddressRange& range) {
    return range.end == 0;
}

std::string joined(std::span<const std::string_view> names) {
    std::string text;
    for (const std::string_view name : names) {
        text += (text.empty() ? "" : ", ") + std::string(name);
    }
    return text;
}

} // namespace

Result<std::vector<AddressRange>> find_kernel_symbols(std::span<const std::string_view> names) {
    const std::unique_ptr<std::FILE, CloseFile> file(std::fopen("/proc/kallsyms", "re"));
    if (!file) {
        return system_failure("opening /proc/kallsyms", errno);
    }
    std::vector<AddressRange> ranges(names.size());
    char line[512];
    // The core kernel comes first, in order of addresses.
    while (std::ranges::any_of(ranges, is_absent) && std::fgets(line, sizeof line, file.get()) != nullptr) {
        const auto symbol = parse(line);
        for (std::size_t i = 0; symbol && i < names.size(); ++i) {
            AddressRange& range = ranges[i];
            if (range.start == 0 && symbol->name == names[i]) {
                if (symbol->address == 0) {
                    return system_failure("finding " + joined(names) + " in /proc/kallsyms: addresses are hidden",
                                          EPERM, "kernel.kptr_restrict, or CAP_SYSLOG is missing");
                }
                range.start = symbol->address;
            } else if (range.start != 0 && is_absent(range) && symbol->address > range.start) {
                range.end = symbol->address;
            }
        }
    }
    if (std::ranges::all_of(ranges, is_absent)) {
        return system_failure("finding " + joined(names) + " in /proc/kallsyms", ENOENT);
    }
    std::ranges::replace_if(ranges, is_absent, AddressRange{}); // the last line of all has no end
    return ranges;
}

} // namespace knell

#include "agent/probe/kallsyms.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>

namespace knell {
namespace {

struct CloseFile {
    void operator()(std::FILE* file) const { (void)std::fclose(file); }
};

// The memory of getline(3): a line has no length that we know, names grew to 511 bytes in Linux 6.1 (KSYM_NAME_LEN).
class Line {
  public:
    Line() = default;
    ~Line() { std::free(text_); }
    Line(const Line&) = delete;
    Line& operator=(const Line&) = delete;

    // Nothing at the end.
    std::optional<std::string_view> read_next(std::FILE& file) {
        const ssize_t size = ::getline(&text_, &capacity_, &file);
        return size < 0 ? std::nullopt : std::optional(std::string_view(text_, static_cast<std::size_t>(size)));
    }

  private:
    char* text_ = nullptr;
    std::size_t capacity_ = 0;
};

struct Symbol {
    std::uint64_t address = 0;
    std::string_view name;
};

// "ffffffff81000000 T name\n" or "... name\t[module]\n".
std::optional<Symbol> parse(std::string_view line) {
    Symbol symbol;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), symbol.address, 16);
    line.remove_prefix(static_cast<std::size_t>(end - line.data()));
    if (error != std::errc{} || line.size() < 3 || line[0] != ' ' || line[2] != ' ') {
        return std::nullopt;
    }
    line.remove_prefix(3);
    symbol.name = line.substr(0, line.find_first_of("\t\n"));
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
    return find_symbols(*file, names);
}

Result<std::vector<AddressRange>> find_symbols(std::FILE& listing, std::span<const std::string_view> names) {
    std::vector<AddressRange> ranges(names.size());
    Line line;
    // The core kernel comes first, in order of addresses.
    while (std::ranges::any_of(ranges, is_absent)) {
        const auto text = line.read_next(listing);
        if (!text) {
            break;
        }
        const auto symbol = parse(*text);
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

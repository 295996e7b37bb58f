// /proc/kallsyms: modules name their symbols, and the names have no length that we could rely on.
#include "agent/probe/kallsyms.hpp"

#include "tests/fuzz/promise.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

namespace knell::fuzz {
namespace {

constexpr std::array<std::string_view, 3> kNames = {"do_exit", "a", "pidfs_fops"};

struct CloseFile {
    void operator()(std::FILE* file) const { (void)std::fclose(file); }
};

Result<std::vector<AddressRange>> find(std::string text) {
    text += '\n'; // fmemopen() refuses to open nothing
    const std::unique_ptr<std::FILE, CloseFile> file(::fmemopen(text.data(), text.size(), "r"));
    require(file != nullptr, "memory can be read as a file");
    return find_symbols(*file, kNames);
}

// The lines whose symbol is one of those that are looked for.
std::size_t count_candidates(std::string_view text) {
    std::size_t count = 0;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::string line = std::string(next_part(text, begin, '\n')) + '\t';
        for (const std::string_view name : kNames) {
            count += line.contains(' ' + std::string(name) + '\t') ? 1 : 0;
        }
    }
    return count;
}

void check(const Result<std::vector<AddressRange>>& found, std::string_view text) {
    if (!found) {
        require(found.error().errno_value == ENOENT || found.error().errno_value == EPERM, "a failure says which",
                found.error().message);
        return;
    }
    require(found->size() == kNames.size(), "every name has an answer");
    std::size_t present = 0;
    for (const AddressRange& range : *found) {
        present += range.start != 0 ? 1 : 0;
        require(range.start == 0 ? range.end == 0 : range.end > range.start, "a symbol has an end, behind its start");
    }
    require(present != 0 && present <= count_candidates(text), "what is found has a line of its own");
}

} // namespace
} // namespace knell::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace knell;
    const std::string text(fuzz::as_text(data, size));
    fuzz::check(fuzz::find(text), text);

    // One more symbol in front, as long as module and function make it: it is not one of those that are looked for.
    std::string name = text.substr(0, text.find('\n'));
    std::erase(name, '\0');
    std::erase(name, '\t');
    const auto found = fuzz::find("ffffffff81000000 T x" + name +
                                  "\t[m]\nffffffff82000000 T do_exit\n"
                                  "ffffffff82000100 T z\n");
    fuzz::require(found && (*found)[0].start == 0xffffffff82000000 && (*found)[0].end == 0xffffffff82000100 &&
                      (*found)[1].start == 0 && (*found)[2].start == 0,
                  "a name is no line", name);
    return 0;
}

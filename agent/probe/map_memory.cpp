// How much kernel memory the maps take.

#include "agent/base/file.hpp"
#include "agent/probe/programs.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <string_view>

namespace knell {
namespace {

// The line "memlock:\t<bytes>" of a map's fdinfo (bpf_map_show_fdinfo(), kernel/bpf/syscall.c). Until Linux 6.4 it was
// reckoned from the map's limits, since then it is what the map really takes.
std::optional<std::uint64_t> parse_memlock(std::string_view fdinfo) {
    constexpr std::string_view kLine = "\nmemlock:\t";
    const std::size_t at = fdinfo.find(kLine);
    if (at == std::string_view::npos) {
        return std::nullopt;
    }
    const std::string_view rest = fdinfo.substr(at + kLine.size());
    std::uint64_t bytes = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), bytes);
    return error == std::errc{} ? std::optional(bytes) : std::nullopt;
}

} // namespace

std::vector<MapMemory> Probe::map_memory() const {
    std::vector<MapMemory> all;
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, programs_->skeleton->obj) {
        if (bpf_map__is_internal(map)) {
            continue; // the constants: a page, under a name with this build's in it
        }
        const std::string path = fmt::format("/proc/self/fdinfo/{}", bpf_map__fd(map));
        const auto fdinfo = read_small_file(AT_FDCWD, path.c_str(), 4096);
        if (const auto bytes = fdinfo ? parse_memlock(*fdinfo) : std::nullopt) {
            all.push_back({.map = bpf_map__name(map), .bytes = *bytes});
        }
    }
    return all;
}

} // namespace knell

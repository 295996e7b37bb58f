// /proc/PID/cgroup and /proc/PID/mountinfo: the kernel writes the lines, others the names in them.
#include "agent/attribution/mountinfo.hpp"
#include "agent/attribution/proc_cgroup.hpp"
#include "tests/fuzz/promise.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>

namespace knell::fuzz {
namespace {

// As the kernel does it (mangle_path()).
std::string escape(std::string_view path) {
    std::string escaped;
    for (const char c : path) {
        const bool special = std::string_view(" \t\n\\").contains(c);
        escaped += special ? fmt::format("\\{:03o}", static_cast<unsigned char>(c)) : std::string(1, c);
    }
    return escaped;
}

void check_mounts(std::string_view text) {
    const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n')) + 1;
    const auto mounts = parse_mountinfo(text);
    require(mounts.size() <= lines, "a line is one mount at most");
    for (const CgroupMount& mount : mounts) {
        const bool v1 = mount.kind == CgroupMount::Kind::v1_memory;
        const auto again =
            parse_mountinfo(fmt::format("1 2 0:3 {} {} rw shared:1 - {} x {}\n", escape(mount.root),
                                        escape(mount.mount_point), v1 ? "cgroup" : "cgroup2", v1 ? "rw,memory" : "rw"));
        require(again.size() == 1 && again[0].kind == mount.kind && again[0].root == mount.root &&
                    again[0].mount_point == mount.mount_point,
                "what was read reads the same again", mount.mount_point);
    }
}

// Whatever a cgroup and a mount point are called (the kernel refuses a newline and, in one name, a slash), they stay in
// their line.
void check_names_stay_in_their_place(std::string_view bytes) {
    std::string name(bytes);
    std::erase_if(name, [](char c) { return c == '\n' || c == '\0'; });
    const auto path = path_from_proc_cgroup(fmt::format("4:memory:/\n1:name=systemd:/x\n0::/{}\n", name));
    const std::string_view mark = " (deleted)"; // of the kernel, or of somebody who calls a cgroup so
    const std::string wanted = name.ends_with(mark) ? name.substr(0, name.size() - mark.size()) : name;
    require(path && *path == "/" + wanted, "the name of a cgroup stays in its line", path ? *path : "");

    const auto mounts =
        parse_mountinfo(fmt::format("7 2 0:3 / /mnt/{} rw - tmpfs {} rw\n8 2 0:3 / /{} rw - cgroup2 c rw\n",
                                    escape(bytes), escape(bytes), escape(bytes)));
    require(mounts.size() == 1 && mounts[0].mount_point == "/" + std::string(bytes), "a mount point stays in its line");
}

} // namespace
} // namespace knell::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace knell;
    const std::string_view text = fuzz::as_text(data, size);
    const auto path = path_from_proc_cgroup(text);
    fuzz::require(!path || (path->starts_with('/') && text.contains(*path) && !path->contains('\n')),
                  "a path is a piece of a line", path ? *path : "");
    fuzz::require(path || !path.error().message.empty(), "a failure says why");
    fuzz::check_mounts(text);
    fuzz::check_names_stay_in_their_place(text);
    return 0;
}

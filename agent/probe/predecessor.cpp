#include "agent/probe/predecessor.hpp"

#include "agent/probe/pins.hpp"

#include <bpf/bpf.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <utility>

namespace knell {
namespace {

// The last descriptor of a link is put aside by a worker of the kernel: until its number is free, it may still run.
constexpr int kDetachPauses = 1000;
constexpr timespec kDetachPause{0, 1'000'000};

// What that takes where nobody tells: a grace period and the worker's turn.
constexpr timespec kBlindPause{0, 100'000'000};

// nullopt: the kernel tells CAP_SYS_ADMIN alone (bpf_link_get_fd_by_id() in kernel/bpf/syscall.c).
std::optional<bool> is_attached(std::uint32_t link_id) {
    const Fd link(bpf_link_get_fd_by_id(link_id));
    return !link && errno == EPERM ? std::nullopt : std::optional(static_cast<bool>(link));
}

// Whether it is known to run no more.
Result<bool> detach(const std::string& path) {
    auto link = pins::open(path);
    if (!link) {
        return std::unexpected(std::move(link.error()));
    }
    bpf_link_info info{};
    std::uint32_t size = sizeof info;
    if (const int error = bpf_obj_get_info_by_fd(link->get(), &info, &size)) {
        return system_failure("looking at the link " + path, -error);
    }
    if (::unlink(path.c_str()) != 0) {
        return system_failure("removing " + path, errno);
    }
    link->reset();
    auto attached = is_attached(info.id);
    for (int pauses = 0; attached.value_or(false); ++pauses) {
        if (pauses == kDetachPauses) {
            return failure(path + " is removed, and its program still runs: somebody else has its link open");
        }
        (void)::nanosleep(&kDetachPause, nullptr);
        attached = is_attached(info.id);
    }
    return attached.has_value();
}

Result<> detach_all(const std::string& directory) {
    std::error_code error;
    std::vector<std::string> links;
    for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
        if (entry.path().filename().string().starts_with(pins::kLink)) {
            links.push_back(entry.path());
        }
    }
    if (error) {
        return system_failure("listing " + directory, error.value());
    }
    bool known = true;
    for (const std::string& link : links) {
        const auto detached = detach(link);
        if (!detached) {
            return std::unexpected(detached.error());
        }
        known = known && *detached;
    }
    if (!known) {
        (void)::nanosleep(&kBlindPause, nullptr);
    }
    return {};
}

Result<Ring> open_ring(const std::string& directory) {
    const auto fd = pins::open(pins::path(directory, pins::kMap, "ring"));
    if (!fd) {
        return std::unexpected(fd.error());
    }
    bpf_map_info info{};
    std::uint32_t size = sizeof info;
    if (const int error = bpf_obj_get_info_by_fd(fd->get(), &info, &size)) {
        return system_failure("looking at the ring in " + directory, -error);
    }
    if (info.type != BPF_MAP_TYPE_RINGBUF) {
        return failure(directory + "/map_ring is no ring");
    }
    return Ring::map(fd->get(), info.max_entries);
}

} // namespace

Result<Predecessor> Predecessor::stop(const PinDirectory& pins, const std::string& name) {
    const std::string directory = pins.path_of(name);
    auto ring = open_ring(directory);
    if (!ring) {
        return std::unexpected(std::move(ring.error()));
    }
    std::vector<Fd> maps;
    for (const char* map : {"spill", "spill_even", "spill_odd"}) {
        auto fd = pins::open(pins::path(directory, pins::kMap, map));
        if (!fd) {
            return std::unexpected(std::move(fd.error()));
        }
        maps.push_back(std::move(*fd));
    }
    auto spill = Spill::open(maps[0].get(), {maps[1].get(), maps[2].get()});
    if (!spill) {
        return std::unexpected(std::move(spill.error()));
    }
    if (auto detached = detach_all(directory); !detached) {
        return std::unexpected(std::move(detached.error()));
    }
    return Predecessor(name, std::move(maps), std::move(*ring), *spill);
}

} // namespace knell

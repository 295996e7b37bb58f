#include "agent/probe/spill.hpp"

#include <bpf/bpf.h>

#include <cerrno>
#include <utility>

namespace knell {
namespace {

Result<> read_all(int map_fd, std::vector<SpilledExits>& all) {
    const knell_spill_key* before = nullptr;
    SpilledExits next{};
    knell_spill_key last{};
    while (::bpf_map_get_next_key(map_fd, before, &next.key) == 0) {
        if (::bpf_map_lookup_elem(map_fd, &next.key, &next.value) != 0) {
            return system_failure("reading the spill", errno);
        }
        all.push_back(next);
        last = next.key;
        before = &last;
    }
    return errno == ENOENT ? Result<>() : system_failure("listing the spill", errno);
}

Result<std::uint32_t> id_of(int map_fd) {
    bpf_map_info info{};
    std::uint32_t size = sizeof info;
    if (::bpf_obj_get_info_by_fd(map_fd, &info, &size) != 0) {
        return system_failure("looking at the spill's maps", errno);
    }
    return info.id;
}

} // namespace

Result<Spill> Spill::open(int array_fd, std::array<int, 2> map_fds) {
    const std::uint32_t zero = 0;
    std::uint32_t in_use = 0; // user space is shown a map's id where programs find the map
    if (::bpf_map_lookup_elem(array_fd, &zero, &in_use) != 0) {
        return system_failure("looking for the spill's map in use", errno);
    }
    const auto first = id_of(map_fds[0]);
    if (!first) {
        return std::unexpected(first.error());
    }
    if (in_use != *first) {
        std::swap(map_fds[0], map_fds[1]);
    }
    return Spill(array_fd, map_fds);
}

Result<> Spill::exchange() {
    const std::uint32_t zero = 0;
    if (::bpf_map_update_elem(array_fd_, &zero, &map_fds_[1], BPF_ANY) != 0) {
        return system_failure("exchanging the spill's maps", errno);
    }
    std::swap(map_fds_[0], map_fds_[1]);
    return {};
}

Result<> Spill::empty_idle(std::vector<SpilledExits>& into) {
    const std::size_t before = into.size();
    if (auto read = read_all(map_fds_[1], into); !read) {
        into.resize(before);
        return read;
    }
    for (std::size_t i = before; i < into.size(); ++i) {
        (void)::bpf_map_delete_elem(map_fds_[1], &into[i].key); // nobody else uses this map: what was listed is there
    }
    return {};
}

Result<> Spill::take(std::vector<SpilledExits>& into) {
    if (!idle_is_empty_) {
        if (auto emptied = empty_idle(into); !emptied) {
            return emptied;
        }
        idle_is_empty_ = true;
    }
    if (auto exchanged = exchange(); !exchanged) {
        return exchanged;
    }
    auto emptied = empty_idle(into);
    idle_is_empty_ = emptied.has_value();
    return emptied;
}

} // namespace knell

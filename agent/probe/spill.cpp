#include "agent/probe/spill.hpp"

#include <bpf/bpf.h>

#include <cerrno>
#include <utility>

namespace knell {
namespace {

Result<std::vector<SpilledExits>> read_all(int map_fd) {
    std::vector<SpilledExits> all;
    const knell_spill_key* before = nullptr;
    SpilledExits next{};
    while (::bpf_map_get_next_key(map_fd, before, &next.key) == 0) {
        if (::bpf_map_lookup_elem(map_fd, &next.key, &next.value) != 0) {
            return system_failure("reading the spill", errno);
        }
        all.push_back(next);
        before = &all.back().key;
    }
    if (errno != ENOENT) {
        return system_failure("listing the spill", errno);
    }
    return all;
}

} // namespace

Result<> Spill::exchange() {
    const std::uint32_t zero = 0;
    if (::bpf_map_update_elem(array_fd_, &zero, &map_fds_[1], BPF_ANY) != 0) {
        return system_failure("exchanging the spill's maps", errno);
    }
    std::swap(map_fds_[0], map_fds_[1]);
    return {};
}

Result<std::vector<SpilledExits>> Spill::take() {
    if (!exchanged_) {
        if (auto exchanged = exchange(); !exchanged) {
            return std::unexpected(std::move(exchanged.error()));
        }
        exchanged_ = true;
    }
    const int idle = map_fds_[1];
    auto all = read_all(idle);
    if (!all) {
        return all;
    }
    for (const SpilledExits& exits : *all) {
        (void)::bpf_map_delete_elem(idle, &exits.key); // nobody else uses this map: what was listed is there
    }
    exchanged_ = false;
    return all;
}

} // namespace knell

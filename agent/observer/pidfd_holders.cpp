#include "agent/observer/pidfd_holders.hpp"

#include "agent/attribution/system_unit.hpp"
#include "agent/cause/signature.hpp"
#include "agent/pidfd/pidfd.hpp"

#include <fmt/format.h>
#include <unistd.h>

namespace knell {
namespace {

// We, as the kernel's records describe a process. By its inode; before 6.9 the number must do.
struct Self {
    std::uint32_t pid = static_cast<std::uint32_t>(::getpid());
    std::uint64_t inode = 0;

    [[nodiscard]] bool is(const knell_process& process) const {
        return inode != 0 && process.pid_inode != 0 ? process.pid_inode == inode : process.pid == pid;
    }
};

Self describe_self() {
    Self self;
    if (const auto pidfd = Pidfd::self()) {
        self.inode = pidfd->inode().value_or(0);
    }
    return self;
}

HolderClass class_of(const knell_held_pidfd& row, const Self& self, Places& places) {
    Holder holder;
    holder.pid = row.holder.pid;
    holder.self = self.is(row.holder);
    holder.credentials.exe = text_of(row.holder_exe);
    holder.credentials.uid = row.holder.uid;
    const auto place = places.find(cgroups_of(row.holder));
    if (place != nullptr) {
        holder.place_known = true;
        holder.credentials.outside_containers = place->container_id.empty();
        holder.credentials.unit = system_unit(place->cgroup);
    }
    return classify_holder(holder);
}

bool same_holder(const knell_process& a, const knell_process& b) {
    return a.pid == b.pid && a.start_boot_ns == b.start_boot_ns;
}

} // namespace

HolderCounts count_by_holder(const std::vector<knell_held_pidfd>& held, Places& places) {
    const Self self = describe_self();
    HolderCounts counts{};
    HolderClass kind = HolderClass::unknown;
    const knell_held_pidfd* before = nullptr;
    for (const knell_held_pidfd& row : held) {
        if (before == nullptr || !same_holder(before->holder, row.holder)) {
            kind = class_of(row, self, places);
        }
        before = &row;
        ++counts[static_cast<std::size_t>(kind)];
    }
    return counts;
}

HeldPidfds count_held_pidfds(const CensusOptions& options, Places& places) {
    const auto census = take_pidfd_census(options);
    if (!census) {
        return {std::nullopt, census.error().message};
    }
    return {count_by_holder(census->held, places),
            census->complete ? ""
                             : fmt::format("counting stopped after {} pidfds and {} ms at most: there are more",
                                           options.max_rows, options.max_time / kMillisecond)};
}

} // namespace knell

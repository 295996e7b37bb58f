#include "bench/stamps.hpp"

#include <utility>

namespace knell::bench {

Result<std::unique_ptr<Probe>> load_stamping_programs(std::size_t watches) {
    ProbeOptions options;
    options.slots = static_cast<std::uint32_t>(watches);
    options.pidfd_creation = false;
    return Probe::load(options);
}

Result<Pidfd> open_stamped(pid_t pid, Slots* slots, std::uint32_t index) {
    auto pidfd = Pidfd::open(pid);
    if (pidfd && slots != nullptr) {
        slots->slots()[index] = knell_slot{};
        if (auto tagged = slots->tag(pidfd->fd(), index); !tagged) {
            return std::unexpected(std::move(tagged.error()));
        }
    }
    return pidfd;
}

} // namespace knell::bench

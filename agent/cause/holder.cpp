#include "agent/cause/holder.hpp"

namespace knell {

HolderClass classify_holder(const Holder& holder) {
    constexpr std::uint32_t kHostInit = 1;
    if (holder.self) {
        return HolderClass::self;
    }
    if (holder.pid == kHostInit) {
        return HolderClass::init;
    }
    if (!holder.place_known) {
        return HolderClass::unknown;
    }
    if (!holder.credentials.outside_containers) {
        return HolderClass::container;
    }
    return recognise_daemon(holder.credentials) == Daemon::container_runtime ? HolderClass::container_runtime
                                                                             : HolderClass::host;
}

} // namespace knell

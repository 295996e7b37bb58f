#include "agent/probe/decode.hpp"

#include <cstdint>

namespace knell {
namespace {

template <typename T>
Record whole(std::span<const std::byte> bytes, const knell_record& head) {
    if (bytes.size() != sizeof(T) || head.size != sizeof(T)) {
        return UndecodableRecord{};
    }
    return reinterpret_cast<const T*>(bytes.data());
}

} // namespace

Record decode(std::span<const std::byte> bytes) {
    if (bytes.size() < sizeof(knell_record) || reinterpret_cast<std::uintptr_t>(bytes.data()) % 8 != 0) {
        return UndecodableRecord{};
    }
    const auto& head = *reinterpret_cast<const knell_record*>(bytes.data());
    switch (head.type) {
    case KNELL_RECORD_FORK:
        return whole<knell_fork>(bytes, head);
    case KNELL_RECORD_EXEC:
        return whole<knell_exec>(bytes, head);
    case KNELL_RECORD_EXIT:
        return whole<knell_exit>(bytes, head);
    case KNELL_RECORD_PIDFD:
        return whole<knell_pidfd>(bytes, head);
    default:
        return UndecodableRecord{};
    }
}

} // namespace knell

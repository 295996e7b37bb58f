#pragma once

#include <cstdint>

namespace knell {

// `automatic` takes io_uring where the kernel allows it, else epoll.
enum class BackendChoice : std::uint8_t { automatic, io_uring, epoll };

} // namespace knell

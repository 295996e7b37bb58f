#pragma once

#include "agent/base/clock.hpp"

#include <cstdint>

namespace knell {

struct PoolOptions {
    std::uint32_t capacity = 65536;
    Nanoseconds min_age = 100 * kMillisecond; // what dies younger is not watched
};

} // namespace knell

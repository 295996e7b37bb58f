#pragma once

#include "agent/base/result.hpp"

#include <stdexcept>
#include <type_traits>
#include <utility>

namespace knell::bench {

// A failure ends the whole run with its message: nothing may fail in a benchmark.
template <typename T>
T value_of(Result<T> result) {
    if (!result) {
        throw std::runtime_error(result.error().message);
    }
    if constexpr (!std::is_void_v<T>) {
        return std::move(*result);
    }
}

} // namespace knell::bench

#pragma once

#include "agent/loop/loop.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <string>

namespace knell {

inline void PrintTo(BackendChoice choice, std::ostream* out) {
    *out << (choice == BackendChoice::io_uring ? "io_uring" : "epoll");
}

} // namespace knell

namespace knell::test {

// For tests of what must not depend on the loop's backend.
inline auto both_backends() {
    return testing::Values(BackendChoice::io_uring, BackendChoice::epoll);
}

inline std::string backend_name(const testing::TestParamInfo<BackendChoice>& info) {
    return testing::PrintToString(info.param);
}

} // namespace knell::test

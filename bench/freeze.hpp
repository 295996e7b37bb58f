#pragma once

#include "agent/base/result.hpp"
#include "bench/report.hpp"

#include <cstdint>

namespace knell::bench {

struct FreezeOptions {
    std::uint64_t exits = 150'000; // while the tool stands still, and before and after it
    std::uint32_t workers = 2;
    std::uint32_t milliseconds = 3000; // how long it stands still
};

// A storm goes on while the tool does not run: stopped and continued (SIGSTOP, SIGCONT), or killed (SIGKILL) and
// started again. How many deaths it does not tell in the end.
Result<> freeze(const FreezeOptions& options, Report& report);

} // namespace knell::bench

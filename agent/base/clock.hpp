#pragma once

#include <cstdint>
#include <ctime>

namespace knell {

// A point in time in nanoseconds of CLOCK_MONOTONIC, the clock of every kernel record. 0 = not known.
using Instant = std::uint64_t;
// A length of time in nanoseconds.
using Nanoseconds = std::uint64_t;

inline constexpr Nanoseconds kMicrosecond = 1'000;
inline constexpr Nanoseconds kMillisecond = 1'000'000;
inline constexpr Nanoseconds kSecond = 1'000'000'000;

inline std::uint64_t read_clock(clockid_t clock) {
    timespec ts{};
    ::clock_gettime(clock, &ts);
    return static_cast<std::uint64_t>(ts.tv_sec) * kSecond + static_cast<std::uint64_t>(ts.tv_nsec);
}

inline Instant monotonic_now() {
    return read_clock(CLOCK_MONOTONIC);
}

// `later - earlier`, or 0 where the order is the other way round (two stamps of one instant by two CPUs).
inline Nanoseconds elapsed(Instant earlier, Instant later) {
    return later > earlier ? later - earlier : 0;
}

inline double to_seconds(Nanoseconds duration) {
    return static_cast<double>(duration) / 1e9;
}

// Nanoseconds since the Unix epoch for an Instant. The offset between the clocks is read at each call because
// CLOCK_REALTIME steps.
inline std::uint64_t to_unix_ns(Instant instant) {
    return read_clock(CLOCK_REALTIME) - read_clock(CLOCK_MONOTONIC) + instant;
}

} // namespace knell

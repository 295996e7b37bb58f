#pragma once

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <optional>

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

// The earlier of two instants, or the shorter of two spans, either of which may not be there.
inline std::optional<std::uint64_t> earliest(std::optional<std::uint64_t> a, std::optional<std::uint64_t> b) {
    return a && b ? std::min(*a, *b) : (a ? a : b);
}

inline timespec to_timespec(Nanoseconds duration) {
    return {.tv_sec = static_cast<time_t>(duration / kSecond), .tv_nsec = static_cast<long>(duration % kSecond)};
}

// What /proc counts times in: proc_pid_stat(5).
inline Nanoseconds clock_tick() {
    return kSecond / static_cast<Nanoseconds>(::sysconf(_SC_CLK_TCK));
}

inline double to_seconds(Nanoseconds duration) {
    return static_cast<double>(duration) / 1e9;
}

// How far CLOCK_REALTIME is ahead of CLOCK_MONOTONIC, modulo 2^64. Exact, so that all processes of a node give one
// instant one time until somebody sets the clock (slewing moves both alike). The coarse clocks stand still between two
// ticks, where both are written together: kernel/time/vsyscall.c, update_vsyscall().
inline Nanoseconds realtime_ahead() {
    constexpr int kTries = 100;
    for (int i = 0; i < kTries; ++i) {
        const Instant before = read_clock(CLOCK_MONOTONIC_COARSE);
        const std::uint64_t unix_ns = read_clock(CLOCK_REALTIME_COARSE);
        if (read_clock(CLOCK_MONOTONIC_COARSE) == before) {
            return unix_ns - before;
        }
    }
    // Some emulation of Linux whose coarse clocks are fine ones: off by the time between two readings.
    return read_clock(CLOCK_REALTIME) - read_clock(CLOCK_MONOTONIC);
}

// Nanoseconds since the Unix epoch for an Instant, by the clock as it is set now.
inline std::uint64_t to_unix_ns(Instant instant) {
    return instant + realtime_ahead();
}

} // namespace knell

#pragma once

#include <cerrno>
#include <cstring>
#include <expected>
#include <string>
#include <utility>

namespace knell {

// Why something failed, ready to be shown to a person. Code below the command line returns it; only the top logs.
struct Error {
    std::string message;
    int errno_value = 0; // positive; 0 when no system call is behind it
};

template <typename T = void>
using Result = std::expected<T, Error>;

using Failure = std::unexpected<Error>;

// A failure that no system call is behind: bad input, a limit of ours.
inline Failure failure(std::string message) {
    return Failure(Error{std::move(message), 0});
}

// A failed system call: "<tried>: <kernel's answer>". `errno_value` is positive (libbpf and liburing return it negated:
// flip the sign at the call).
inline Failure system_failure(const std::string& tried, int errno_value) {
    return Failure(Error{tried + ": " + std::strerror(errno_value), errno_value});
}

// The same, with the likely cause and the next step appended.
inline Failure system_failure(const std::string& tried, int errno_value, const std::string& hint) {
    return Failure(Error{tried + ": " + std::strerror(errno_value) + " (" + hint + ")", errno_value});
}

// Passes a failure on with what the caller was doing in front.
inline Failure failure_in(const std::string& doing, Error error) {
    error.message.insert(0, doing + ": ");
    return Failure(std::move(error));
}

} // namespace knell

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace knell {

// The one label value that a death is reduced to. Order is the order of precedence, see explain().
enum class Reason : std::uint8_t {
    oom_kill,
    seccomp,
    pidns_teardown,
    cgroup_kill,
    parent_death,
    crash,
    signal,
    error,
    success,
    unknown,
};
inline constexpr std::size_t kReasonCount = 10;
inline constexpr std::array<std::string_view, kReasonCount> kReasonNames = {
    "oom_kill", "seccomp", "pidns_teardown", "cgroup_kill", "parent_death",
    "crash",    "signal",  "error",          "success",     "unknown"};

// How much a person who looks at deaths should notice one.
enum class Severity : std::uint8_t { none, low, medium, high };
inline constexpr std::array<Severity, kReasonCount> kReasonSeverities = {
    Severity::high, Severity::high,   Severity::medium, Severity::medium, Severity::medium,
    Severity::high, Severity::medium, Severity::low,    Severity::none,   Severity::low};
constexpr Severity severity(Reason reason) {
    return kReasonSeverities[static_cast<std::size_t>(reason)];
}

enum class OomScope : std::uint8_t { memcg, system, unknown };
inline constexpr std::size_t kOomScopeCount = 3;
inline constexpr std::array<std::string_view, kOomScopeCount> kOomScopeNames = {"memcg", "system", "unknown"};

// Who the sender of the fatal signal was to the victim.
enum class KillerClass : std::uint8_t {
    self,
    parent,
    child,
    same_container,
    container_runtime,
    init,
    oom_daemon,
    other_container,
    host,
    kernel,
    unknown,
};
inline constexpr std::size_t kKillerClassCount = 11;
inline constexpr std::array<std::string_view, kKillerClassCount> kKillerClassNames = {
    "self", "parent", "child",  "same_container", "container_runtime", "init", "oom_daemon", "other_container",
    "host", "kernel", "unknown"};

template <typename Enum, std::size_t N>
constexpr std::string_view name_of(const std::array<std::string_view, N>& names, Enum value) {
    return names[static_cast<std::size_t>(value)];
}
inline constexpr std::string_view name(Reason value) {
    return name_of(kReasonNames, value);
}
inline constexpr std::string_view name(OomScope value) {
    return name_of(kOomScopeNames, value);
}
inline constexpr std::string_view name(KillerClass value) {
    return name_of(kKillerClassNames, value);
}

// "SIGKILL", "SIGRTMIN+3", or "SIG<n>" for a number without a name. The view is valid for the program's life.
std::string_view signal_name(int number);

// The number, 1 to 64, of "SIGTERM", "TERM", "15" or "SIGRTMIN+3".
std::optional<int> signal_number(std::string_view text);

} // namespace knell

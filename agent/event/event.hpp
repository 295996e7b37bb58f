#pragma once

#include "agent/attribution/place.hpp"
#include "agent/base/clock.hpp"
#include "agent/cause/verdict.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace knell {

// The contract between the agent and its exporters: what happened to a process. Every exporter gets the same events in
// the same order, on the loop thread. Comm strings are raw bytes as the kernel keeps them: whoever prints them escapes
// them (base/text.hpp).

// Who an event is about. {pid, start} is unique for the boot.
struct ProcessIdentity {
    std::uint32_t pid = 0;  // a number of the agent's pid namespace, as all pids here
    std::uint32_t ppid = 0; // 0: outside of it
    std::optional<std::uint32_t> uid{};
    std::string comm;
    Instant start = 0;
    std::uint64_t pidfd_inode = 0; // 0 = kernel without pidfs
    std::shared_ptr<const Place> place{};
};

// What a process used in its life, all threads together.
struct Resources {
    Nanoseconds user = 0; // CPU time
    Nanoseconds system = 0;
    std::uint64_t peak_rss_bytes = 0; // 0 = not known
    std::uint32_t minor_faults = 0;
    std::uint32_t major_faults = 0;
};

// Sent once per process. For a watched process it waits for the pidfd, so that the times are in it.
struct Exit : Verdict {
    ProcessIdentity process;
    Instant time = 0;                              // the last thread ended
    std::optional<Nanoseconds> since_stop_request; // first stop request to exit
    std::optional<Resources> resources;
    std::string exe;                     // base name of the executable; empty: not known
    std::optional<Nanoseconds> teardown; // exit to notify; watched processes
    std::optional<Nanoseconds> reaction; // notify to our wake-up; watched processes
    // 0 = this is one process. Else this many that ended alike, counted without what told them apart: no pid, no name,
    // no times, and `time` is that of one of the last.
    std::uint64_t spilled = 0;
    // How many processes ended.
    [[nodiscard]] std::uint64_t count() const { return spilled != 0 ? spilled : 1; }
};

// A watched process was collected by its parent.
struct Reap {
    ProcessIdentity process;
    Instant time = 0;
    std::optional<Nanoseconds> reap; // notify to reaped
};

struct Exec {
    ProcessIdentity process; // comm is the new one
    Instant time = 0;
};

// By which way a pidfd came to be. The order is that of enum knell_pidfd_via.
enum class PidfdVia : std::uint8_t { pidfd_open, clone, socket, other };
inline constexpr std::size_t kPidfdViaCount = 4;
inline constexpr std::array<std::string_view, kPidfdViaCount> kPidfdViaNames = {"pidfd_open", "clone", "socket",
                                                                                "other"};

// Somebody opened a pidfd. Only when asked for: trace --events pidfd.
struct PidfdOpen {
    ProcessIdentity process; // the opener
    Instant time = 0;
    std::uint32_t target_pid = 0;
    std::uint64_t target_inode = 0; // 0 = kernel without pidfs
    std::string target_comm;        // empty: not known
    PidfdVia via = PidfdVia::other;
};

using Event = std::variant<Exit, Reap, Exec, PidfdOpen>;

// Gets every event on the loop thread; must not block. Lives longer than the observer it is given to.
class EventSink {
  public:
    virtual ~EventSink() = default;
    virtual void on_event(const Event& event) = 0;
};

} // namespace knell

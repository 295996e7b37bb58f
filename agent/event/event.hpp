#pragma once

#include "agent/attribution/place.hpp"
#include "agent/base/clock.hpp"
#include "agent/cause/reason.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

namespace knell {

// The contract between the agent and its exporters: what happened to a process. Every exporter gets the same events in
// the same order, on the loop thread. Comm strings are raw bytes as the kernel keeps them: whoever prints them escapes
// them (base/text.hpp).

// Who an event is about. {pid, start} is unique for the boot.
struct ProcessIdentity {
    std::uint32_t pid = 0; // a number of the initial pid namespace
    std::uint32_t ppid = 0;
    std::optional<std::uint32_t> uid;
    std::string comm;
    Instant start = 0;
    std::uint64_t pidfd_inode = 0; // 0 = kernel without pidfs
    std::shared_ptr<const Place> place;
};

struct Killer {
    KillerClass kind = KillerClass::unknown;
    // Absent where nobody is to blame: the kernel acted, or the sender was not seen.
    std::optional<std::uint32_t> pid;
    std::optional<std::uint32_t> uid;
    std::string comm;
};

// Sent once per process. For a watched process it waits for the pidfd, so that the times are in it.
struct Exit {
    ProcessIdentity process;
    Instant time = 0; // the last thread ended
    Reason reason = Reason::unknown;
    std::optional<int> exit_code; // of a normal exit
    int signal = 0;               // of a death by signal; 0 = none
    bool core_dumped = false;
    std::optional<OomScope> oom_scope;             // reason oom_kill
    std::optional<Killer> killer;                  // deaths by signal
    int preceded_by = 0;                           // a stop request (SIGTERM) that came before a normal exit; 0 = none
    std::optional<Nanoseconds> since_stop_request; // first SIGTERM to exit
    std::optional<Nanoseconds> teardown;           // exit to notify; watched processes
    std::optional<Nanoseconds> reaction;           // notify to our wake-up; watched processes
    bool spilled = false;                          // counted without its details
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

using Event = std::variant<Exit, Reap, Exec>;

// Gets every event on the loop thread; must not block. Lives longer than the observer it is given to.
class EventSink {
  public:
    virtual ~EventSink() = default;
    virtual void on_event(const Event& event) = 0;
};

} // namespace knell

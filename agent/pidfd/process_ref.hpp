#pragma once

#include "agent/base/result.hpp"
#include "agent/pidfd/pidfd.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace knell {

// A process that can be written down and found again, or be refused as recycled: the number to open, what tells the
// process from a later one with the same number, and the boot that both are of. A value; any thread.
class ProcessRef {
  public:
    enum class Kind {
        inode,      // the pidfd's inode (6.9): unique for the boot
        start_time, // before: start time in clock ticks since boot. Not unique within one tick (10 ms)
    };

    // gone: the process was reaped, and its number with it. foreign_namespace: it has no number in our pid namespace.
    // EINVAL: the pidfd is a thread's (PIDFD_THREAD).
    static Result<ProcessRef> of(const Pidfd& pidfd);

    // "PID:INODE", "PID:tTICKS" (start time), each also with ":BOOT_ID" behind it; without one, this boot's is taken.
    // EINVAL: the text is none of these.
    static Result<ProcessRef> parse(std::string_view text);

    // The same process. recycled: another one has its number, or the machine was booted since. gone: nobody has it.
    // kernel_too_old: an inode, and this kernel's pidfds have none.
    [[nodiscard]] Result<Pidfd> open() const;

    // "PID:INODE" or "PID:tTICKS": for people and for this boot.
    [[nodiscard]] std::string text() const;
    // With the boot's id: to be stored.
    [[nodiscard]] std::string stored_text() const;

    [[nodiscard]] pid_t pid() const { return pid_; } // in the pid namespace of the one that made the reference
    [[nodiscard]] Kind kind() const { return kind_; }
    [[nodiscard]] std::uint64_t value() const { return value_; } // inode or ticks
    [[nodiscard]] const std::string& boot_id() const { return boot_id_; }

    friend bool operator==(const ProcessRef&, const ProcessRef&) = default;

  private:
    ProcessRef(pid_t pid, Kind kind, std::uint64_t value, std::string boot_id)
        : pid_(pid), kind_(kind), value_(value), boot_id_(std::move(boot_id)) {}

    pid_t pid_;
    Kind kind_;
    std::uint64_t value_;
    std::string boot_id_; // /proc/sys/kernel/random/boot_id
};

} // namespace knell

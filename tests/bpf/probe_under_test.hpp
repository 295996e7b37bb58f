#pragma once

#include "agent/base/clock.hpp"
#include "agent/probe/probe.hpp"
#include "tests/support/process.hpp"

#include "bpf/events.h"

#include <sys/resource.h>
#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace knell::test {

// The loaded programs without an observer around them: what they wrote, as they wrote it. Starts no thread, so that
// tests may fork. Failures are thrown, see must() in scene.hpp.
class ProbeUnderTest {
  public:
    explicit ProbeUnderTest(const ProbeOptions& options = {});

    [[nodiscard]] Probe& probe() { return *probe_; }
    [[nodiscard]] const Feature& feature(const std::string& name) const;

    // Of a process that has ended: its one exit.
    knell_exit exit_of(pid_t pid);
    // The pidfds that a process made, in their order.
    std::vector<knell_pidfd> pidfds_made_by(pid_t pid);

  private:
    void drain();

    Instant start_ = monotonic_now(); // numbers of processes come round
    std::unique_ptr<Probe> probe_;
    std::vector<knell_exit> exits_;
    std::vector<knell_pidfd> pidfds_;
};

// A child of this process that runs a function and exits with what it returns, without destructors. Killed and reaped
// at the end. Only for tests with a single thread.
class ForkedChild {
  public:
    explicit ForkedChild(const std::function<int()>& run);
    ForkedChild(ForkedChild&&) = delete;
    ForkedChild& operator=(ForkedChild&&) = delete;
    ~ForkedChild();

    [[nodiscard]] pid_t pid() const { return pid_; }

    struct End {
        int status = 0; // wait status
        rusage usage{};
    };
    // Reaps it.
    End wait();

  private:
    pid_t pid_;
    bool reaped_ = false;
};

// Holds up whoever passes until everybody else who has it, a child of ours by its birth, opened it, executed a program
// or ended.
class Gate {
  public:
    Gate();
    void open();
    void pass();

  private:
    Fd read_;
    Fd write_;
};

} // namespace knell::test

#pragma once

#include "agent/base/fd.hpp"
#include "agent/pidfd/pidfd.hpp"

#include <sys/types.h>

namespace knell::test {

// A pid namespace for a test, with an init that makes processes in it on demand. The destructor kills its init, and the
// kernel with it all that is inside and below. Takes root. What cannot be had ends the test by an exception. One thread
// at a time.
class PidNamespace {
  public:
    // A process inside that waits to be killed; a child of the init.
    struct Member {
        Pidfd pidfd;
        pid_t number = 0; // in the namespace
    };

    // Below the caller's own.
    PidNamespace();
    // Below another one, which has to outlive it.
    explicit PidNamespace(const PidNamespace& parent);
    PidNamespace(PidNamespace&&) = delete;
    PidNamespace& operator=(PidNamespace&&) = delete;
    ~PidNamespace();

    // What /proc/PID/ns/pid of a process inside leads to.
    [[nodiscard]] const Fd& fd() const { return fd_; }
    [[nodiscard]] const Pidfd& init() const { return init_; }

    // `number`: the one that it gets there; 0: any.
    [[nodiscard]] Member start_sleeper(pid_t number = 0) const;
    // A sleeper that was killed and is not reaped.
    [[nodiscard]] Member start_zombie() const;
    // Has a killed member reaped.
    void reap(const Member& member) const;
    // The root of a procfs of this namespace, mounted nowhere.
    [[nodiscard]] Fd open_procfs() const;
    // Kills and reaps the init: nobody is inside or below afterwards, nor ever will be.
    void end();

  private:
    struct Start {
        Pidfd init;
        pid_t number; // in the namespace above
        Fd control;
    };
    PidNamespace(const PidNamespace* parent, Start start);
    static Start start_here();
    static Start start_in(const PidNamespace& parent);

    const PidNamespace* parent_;
    Pidfd init_;
    pid_t init_number_; // in the namespace above
    Fd control_;
    Fd fd_;
    bool ended_ = false;
};

} // namespace knell::test

#pragma once

#include <csignal>

namespace knell {

// All signals are blocked for the calling thread while it lives, and for what it makes meanwhile: a child runs no
// handler of ours, and decides itself when signals may arrive; a thread leaves them to who waits for them.
class SignalsBlocked {
  public:
    SignalsBlocked() {
        sigset_t all{};
        ::sigfillset(&all);
        (void)::pthread_sigmask(SIG_SETMASK, &all, &before_); // fails for a wrong `how` only
    }
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;
    ~SignalsBlocked() { (void)::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

    [[nodiscard]] const sigset_t& before() const { return before_; }

  private:
    sigset_t before_{};
};

} // namespace knell

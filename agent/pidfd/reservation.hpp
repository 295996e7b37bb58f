#pragma once

#include "agent/base/fd.hpp"
#include "agent/base/result.hpp"

#include <utility>

namespace knell {

// A descriptor in the making, as the kernel makes its own: reserve the number first, do everything that can fail,
// publish last. Nothing can fail after publication, and what was not published leaves no trace. In between, the number
// can already be told to others (written into a message, an environment): it is held by a placeholder that can neither
// be read nor written (O_PATH), and publication replaces it in one step (dup3). One thread at a time.
class FdReservation {
  public:
    // Any free number of at least `lowest`. EMFILE: none is left. EINVAL: `lowest` is beyond RLIMIT_NOFILE.
    static Result<FdReservation> reserve(int lowest = 0);
    FdReservation(FdReservation&&) noexcept = default;
    FdReservation& operator=(FdReservation&&) noexcept = default;

    [[nodiscard]] int number() const { return placeholder_.get(); }

    // Takes what will stand at the number. May be called again: the last one counts.
    void prepare(Fd content) { content_ = std::move(content); }

    // Puts the prepared descriptor at number(), close-on-exec. Cannot fail for a reservation that holds a prepared
    // descriptor, as long as nobody lowers RLIMIT_NOFILE to the number or below; one without answers an empty Fd and
    // keeps nothing.
    [[nodiscard]] Fd publish() &&;

  private:
    explicit FdReservation(Fd placeholder) : placeholder_(std::move(placeholder)) {}

    Fd placeholder_;
    Fd content_;
};

} // namespace knell

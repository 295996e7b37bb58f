#pragma once

#include "agent/loop/loop_base.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

struct io_uring;

namespace knell {

// The loop on io_uring: one-shot POLL_ADD requests, submitted together in the system call that waits.
//
// Which pointers may the kernel still hold? Each arming gives exactly one completion that carries the op's address, and
// the op is pending until that completion is dispatched, so an address in the rings or in a copied batch is that of a
// live op, once.
class UringLoop final : public LoopBase {
  public:
    // How the kernel runs completions, best first.
    enum class Mode : std::uint8_t {
        deferred,    // SINGLE_ISSUER | DEFER_TASKRUN (Linux 6.1): only when the loop asks, in batches
        cooperative, // COOP_TASKRUN (5.19): at any system call, without interrupting the thread
        plain,       // as Linux 5.11 does it
    };
    struct Options {
        // 64 bytes each, resident. More waits than these are submitted in rounds.
        unsigned submission_entries = 1024;
        // The most that the kernel accepts (IORING_MAX_CQ_ENTRIES). More completions at once are kept aside by the
        // kernel.
        unsigned completion_entries = 65536;
        Mode best_mode = Mode::deferred;
    };

    // Takes the best mode that the kernel has. Must be called on the thread that will call run().
    static Result<std::unique_ptr<UringLoop>> make(const Options& options);

    Result<> poll_once(PollOp& op, int fd, int events) override;
    [[nodiscard]] Backend backend() const override { return Backend::io_uring; }

  private:
    struct RingCloser {
        void operator()(io_uring* ring) const;
    };
    using Ring = std::unique_ptr<io_uring, RingCloser>;
    struct Completion {
        PollOp* op;
        int result;
    };

    static Result<Ring> open_ring(const Options& options);
    UringLoop(Ring ring, Fd eventfd);

    Result<> wait(std::optional<Nanoseconds> limit) override;
    void dispatch(Instant now) override;

    // These answer 0 or a positive errno.
    int submit();
    int submit_and_wait(std::optional<Nanoseconds> limit);
    int wait_for_memory();

    bool fill_submission_queue();
    Result<> collect();
    unsigned take_completions();

    Ring ring_;
    std::deque<PollOp*> to_submit_; // pending ones that the kernel does not know yet
    bool wake_armed_ = false;
    int wake_refused_ = 0; // errno of a failed wait for the eventfd
    std::vector<Completion> batch_;
};

} // namespace knell

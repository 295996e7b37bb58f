#include "agent/loop/uring_loop.hpp"

#include <liburing.h>

#include <poll.h>

#include <cerrno>
#include <cstddef>

#include <fmt/format.h>

namespace knell {

namespace {

// Bounds a turn; the rest stays in the completion queue for the next.
constexpr std::size_t kCompletionsPerTurn = 4096;

// With DEFER_TASKRUN, Linux >= 6.13 runs at most this many completions per io_uring_enter (IO_LOCAL_TW_DEFAULT_MAX in
// io_uring/tw.h). An answer of that size means that there may be more: in a mass exit, asking again fills one turn
// instead of hundreds.
constexpr unsigned kKernelShare = 20;

// How long completions get to free memory when the kernel has none for another request.
constexpr long kMemoryPauseNs = 1'000'000;

// The user_data that is not an op's address.
constexpr std::uint64_t kWakeTag = 0;

unsigned setup_flags(UringLoop::Mode mode) {
    switch (mode) {
    case UringLoop::Mode::deferred:
        return IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
    case UringLoop::Mode::cooperative:
        return IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN;
    case UringLoop::Mode::plain:
        break;
    }
    return IORING_SETUP_CQSIZE;
}

// liburing answers a negative errno, or a count that the loop does not need.
int to_errno(int answer) {
    return answer < 0 ? -answer : 0;
}

// A ring makes system calls that no seccomp filter sees: this one waits and does nothing else from now on, no further
// registrations either. It was made disabled, as the kernel takes restrictions then only. 0 or a positive errno.
int allow_waits_alone(io_uring& ring) {
    io_uring_restriction allowed{};
    allowed.opcode = IORING_RESTRICTION_SQE_OP;
    allowed.sqe_op = IORING_OP_POLL_ADD;
    // liburing 2.3 has functions for both, and forgot to export them.
    const auto fd = static_cast<unsigned>(ring.ring_fd);
    const int refused = to_errno(io_uring_register(fd, IORING_REGISTER_RESTRICTIONS, &allowed, 1));
    return refused != 0 ? refused : to_errno(io_uring_register(fd, IORING_REGISTER_ENABLE_RINGS, nullptr, 0));
}

std::string_view why_not_waiting(int errno_value) {
    switch (errno_value) {
    case EEXIST:
        return "the loop must run on the thread that made it";
    case EPERM:
    case ENOSYS:
        return "a seccomp filter that was installed after the start refuses io_uring_enter";
    default:
        return "unexpected";
    }
}

} // namespace

void UringLoop::RingCloser::operator()(io_uring* ring) const {
    io_uring_queue_exit(ring);
    delete ring;
}

UringLoop::UringLoop(Ring ring, Fd eventfd) : LoopBase(std::move(eventfd)), ring_(std::move(ring)) {
    batch_.reserve(kCompletionsPerTurn);
}

Result<UringLoop::Ring> UringLoop::open_ring(const Options& options) {
    auto ring = std::make_unique<io_uring>();
    int refused = EINVAL;
    for (const Mode mode : {Mode::deferred, Mode::cooperative, Mode::plain}) {
        // EINVAL is how a kernel refuses a flag that it does not know; any other refusal meets every mode.
        if (mode < options.best_mode || refused != EINVAL) {
            continue;
        }
        io_uring_params parameters{};
        parameters.flags = setup_flags(mode) | IORING_SETUP_R_DISABLED;
        parameters.cq_entries = options.completion_entries;
        refused = to_errno(io_uring_queue_init_params(options.submission_entries, ring.get(), &parameters));
    }
    if (refused != 0) {
        return system_failure("io_uring_setup", refused);
    }
    Ring opened(ring.release());
    if (const int unrestricted = allow_waits_alone(*opened); unrestricted != 0) {
        return system_failure("io_uring_register of restrictions", unrestricted);
    }
    return opened;
}

Result<std::unique_ptr<UringLoop>> UringLoop::make(const Options& options) {
    Result<Ring> ring = open_ring(options);
    if (!ring) {
        return std::unexpected(std::move(ring.error()));
    }
    // EXT_ARG: a timeout without a timeout request. It came in 5.11 and implies NODROP of 5.5: no completion is dropped
    // because the queue is full.
    if (((*ring)->features & IORING_FEAT_EXT_ARG) == 0) {
        return failure("io_uring_setup: the kernel's io_uring cannot wait with a timeout (Linux 5.11 can)");
    }
    Result<Fd> eventfd = WakeFd::open();
    if (!eventfd) {
        return std::unexpected(std::move(eventfd.error()));
    }
    std::unique_ptr<UringLoop> loop(new UringLoop(std::move(*ring), std::move(*eventfd)));
    // Submitting the wake-up now also proves that io_uring_enter is allowed.
    if (const int refused = loop->submit(); refused != 0) {
        return system_failure("io_uring_enter", refused);
    }
    return loop;
}

Result<> UringLoop::poll_once(PollOp& op, int fd, int events) {
    if (op.pending()) {
        return still_pending();
    }
    op.fd_ = fd;
    op.events_ = static_cast<std::uint16_t>(events);
    op.pending_ = true;
    to_submit_.push_back(&op);
    return {};
}

// True when nothing is left to put in.
bool UringLoop::fill_submission_queue() {
    if (!wake_armed_) {
        io_uring_sqe* sqe = io_uring_get_sqe(ring_.get());
        if (sqe == nullptr) {
            return false;
        }
        io_uring_prep_poll_add(sqe, wake_.fd(), POLLIN);
        io_uring_sqe_set_data64(sqe, kWakeTag);
        wake_armed_ = true;
    }
    while (!to_submit_.empty()) {
        io_uring_sqe* sqe = io_uring_get_sqe(ring_.get());
        if (sqe == nullptr) {
            return false;
        }
        // user_data comes last: some versions of liburing clear it in prep, none clears it when an entry is used again.
        const PollOp* op = to_submit_.front();
        to_submit_.pop_front();
        io_uring_prep_poll_add(sqe, op->fd_, op->events_);
        io_uring_sqe_set_data64(sqe, reinterpret_cast<std::uintptr_t>(op));
    }
    return true;
}

int UringLoop::submit() {
    fill_submission_queue();
    return to_errno(io_uring_submit(ring_.get()));
}

int UringLoop::submit_and_wait(std::optional<Nanoseconds> limit) {
    // What does not fit into the submission queue at once goes in rounds; the last round is the system call that waits.
    while (!fill_submission_queue()) {
        if (const int refused = submit(); refused != 0) {
            return refused;
        }
    }
    if (!limit) {
        return to_errno(io_uring_submit_and_wait(ring_.get(), 1));
    }
    if (*limit == 0) {
        return to_errno(io_uring_submit_and_get_events(ring_.get()));
    }
    io_uring_cqe* first = nullptr;
    __kernel_timespec timeout{.tv_sec = static_cast<std::int64_t>(*limit / kSecond),
                              .tv_nsec = static_cast<long long>(*limit % kSecond)};
    return to_errno(io_uring_submit_and_wait_timeout(ring_.get(), &first, 1, &timeout, nullptr));
}

// Waits without submitting anything.
int UringLoop::wait_for_memory() {
    io_uring_cqe* first = nullptr;
    __kernel_timespec pause{.tv_sec = 0, .tv_nsec = kMemoryPauseNs};
    return to_errno(io_uring_wait_cqe_timeout(ring_.get(), &first, &pause));
}

Result<> UringLoop::wait(std::optional<Nanoseconds> limit) {
    batch_.clear();
    int refused = submit_and_wait(limit);
    // io_uring_enter(2): EAGAIN, no memory for a request; EBUSY, not all completions that are kept aside fitted into
    // the queue. Collecting completions helps against both; requests that were not taken stay queued for the next turn.
    if (refused == EAGAIN || refused == EBUSY) {
        refused = wait_for_memory();
    }
    // EBADR says that completions are lost, collect() how many.
    if (refused != 0 && refused != EINTR && refused != ETIME && refused != EBADR) {
        return system_failure("waiting for events with io_uring_enter", refused, std::string(why_not_waiting(refused)));
    }
    return collect();
}

Result<> UringLoop::collect() {
    bool overflowed = false;
    for (;;) {
        const bool kept_aside = io_uring_cq_has_overflow(ring_.get());
        overflowed |= kept_aside;
        const unsigned taken = take_completions();
        const bool maybe_more = taken >= kKernelShare || (kept_aside && taken > 0);
        // A refusal here meets the next wait as well, and is reported there.
        if (!maybe_more || batch_.size() >= kCompletionsPerTurn || io_uring_get_events(ring_.get()) < 0) {
            break;
        }
    }
    overflows_.add(overflowed ? 1 : 0);
    if (const unsigned lost = IO_URING_READ_ONCE(*ring_->cq.koverflow); lost != 0) {
        return failure(fmt::format("io_uring lost {} completions because the kernel had no memory to keep them; "
                                   "give the memory cgroup more room and start again",
                                   lost));
    }
    if (wake_refused_ != 0) {
        return system_failure("io_uring poll of the loop's eventfd", wake_refused_);
    }
    return {};
}

// Copies what the batch has room for, so that the queue's places are free again before any callback runs.
unsigned UringLoop::take_completions() {
    unsigned head = 0;
    unsigned taken = 0;
    io_uring_cqe* cqe = nullptr;
    io_uring_for_each_cqe(ring_.get(), head, cqe) {
        if (batch_.size() == kCompletionsPerTurn) {
            break;
        }
        ++taken;
        if (cqe->user_data == kWakeTag) {
            wake_armed_ = false;
            wake_refused_ = to_errno(cqe->res);
            wake_.consume();
        } else {
            // NOLINTNEXTLINE(performance-no-int-to-ptr): the kernel carries our pointer as a number
            batch_.push_back({reinterpret_cast<PollOp*>(static_cast<std::uintptr_t>(cqe->user_data)), cqe->res});
        }
    }
    io_uring_cq_advance(ring_.get(), taken);
    return taken;
}

void UringLoop::dispatch(Instant now) {
    for (const auto& [op, result] : batch_) {
        complete(*op, result, now);
    }
}

} // namespace knell

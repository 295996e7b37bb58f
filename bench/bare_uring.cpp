#include "bench/watcher.hpp"

#include "agent/pidfd/pidfd.hpp"
#include "bench/stamps.hpp"

#include <liburing.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <cerrno>

// The least that io_uring asks for: a pidfd and a one-shot poll each, the best flags of the kernel, and a loop.

namespace knell::bench {
namespace {

constexpr std::uint64_t kStopTag = ~std::uint64_t{0};
constexpr unsigned kSubmissions = 4096;
constexpr unsigned kCompletions = 65536;

class BareUring final : public Watcher {
  public:
    explicit BareUring(Fd stop) : stop_(std::move(stop)) {}
    BareUring(const BareUring&) = delete;
    BareUring& operator=(const BareUring&) = delete;
    ~BareUring() override {
        if (open_) {
            io_uring_queue_exit(&ring_);
        }
    }

    Result<> open() {
        io_uring_params parameters{};
        parameters.flags =
            IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
        parameters.cq_entries = kCompletions;
        if (const int error = io_uring_queue_init_params(kSubmissions, &ring_, &parameters)) {
            return system_failure("io_uring_setup", -error);
        }
        open_ = true;
        return poll(stop_.get(), kStopTag);
    }

    Result<> watch(const std::vector<pid_t>& pids, Slots* slots) override {
        slots_ = slots;
        for (const pid_t pid : pids) {
            if (auto added = add(pid); !added) {
                return added;
            }
        }
        return {};
    }

    Result<> run() override {
        while (!stopped_) {
            const int submitted = io_uring_submit_and_wait(&ring_, 1);
            const Instant now = monotonic_now();
            if (submitted < 0 && submitted != -EINTR) {
                return system_failure("io_uring_enter", -submitted);
            }
            unsigned head = 0;
            unsigned taken = 0;
            io_uring_cqe* cqe = nullptr;
            io_uring_for_each_cqe(&ring_, head, cqe) {
                ++taken;
                handle(cqe->user_data, now);
            }
            io_uring_cq_advance(&ring_, taken);
        }
        return {};
    }

    void stop() override { (void)::eventfd_write(stop_.get(), 1); }

  private:
    Result<> add(pid_t pid) {
        const auto index = static_cast<std::uint32_t>(pidfds_.size());
        auto pidfd = open_stamped(pid, slots_, index);
        if (!pidfd) {
            return std::unexpected(std::move(pidfd.error()));
        }
        auto polled = poll(pidfd->fd(), index);
        pidfds_.emplace_back(std::move(*pidfd));
        return polled;
    }

    Result<> poll(int fd, std::uint64_t tag) {
        io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
        if (sqe == nullptr) {
            if (const int error = io_uring_submit(&ring_); error < 0) {
                return system_failure("io_uring_enter", -error);
            }
            sqe = io_uring_get_sqe(&ring_);
        }
        io_uring_prep_poll_add(sqe, fd, POLLIN);
        io_uring_sqe_set_data64(sqe, tag);
        return {};
    }

    void handle(std::uint64_t tag, Instant now) {
        if (tag == kStopTag) {
            stopped_ = true;
            return;
        }
        if (slots_ != nullptr) {
            note_latency([&] { return read_slot(slots_->slots()[tag]).notify_ns; }, now);
        }
        pidfds_[tag].reset();
        count_handled();
    }

    io_uring ring_{};
    bool open_ = false;
    Fd stop_;
    bool stopped_ = false;
    Slots* slots_ = nullptr;
    std::vector<std::optional<Pidfd>> pidfds_;
};

Result<std::unique_ptr<Watcher>> make() {
    Fd stop(::eventfd(0, EFD_CLOEXEC));
    if (!stop) {
        return system_failure("making an eventfd", errno);
    }
    auto watcher = std::make_unique<BareUring>(std::move(stop));
    if (auto opened = watcher->open(); !opened) {
        return std::unexpected(std::move(opened.error()));
    }
    return watcher;
}

} // namespace

Contestant bare_uring() {
    return {"bare io_uring", make};
}

} // namespace knell::bench

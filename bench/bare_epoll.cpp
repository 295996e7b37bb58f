#include "bench/watcher.hpp"

#include "agent/pidfd/pidfd.hpp"
#include "bench/stamps.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <array>
#include <cerrno>

// What is written first by whoever watches processes: a pidfd each, epoll, and a loop.

namespace knell::bench {
namespace {

constexpr std::uint64_t kStopTag = ~std::uint64_t{0};
constexpr std::size_t kBatch = 256;

class BareEpoll final : public Watcher {
  public:
    BareEpoll(Fd epoll, Fd stop, bool with_reap)
        : epoll_(std::move(epoll)), stop_(std::move(stop)), with_reap_(with_reap) {}

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
        std::array<epoll_event, kBatch> events{};
        while (!stopped_) {
            const int count = ::epoll_wait(epoll_.get(), events.data(), kBatch, -1);
            const Instant now = monotonic_now();
            if (count < 0 && errno != EINTR) {
                return system_failure("epoll_wait", errno);
            }
            for (int i = 0; i < count; ++i) {
                handle(events[static_cast<std::size_t>(i)], now);
            }
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
        // One-shot: level-triggered, a zombie would wake the loop for ever.
        epoll_event event{.events = EPOLLIN | EPOLLONESHOT, .data = {.u64 = index}};
        if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, pidfd->fd(), &event) != 0) {
            return system_failure("epoll_ctl", errno);
        }
        pidfds_.emplace_back(std::move(*pidfd));
        return {};
    }

    void handle(const epoll_event& event, Instant now) {
        if (event.data.u64 == kStopTag) {
            stopped_ = true;
            return;
        }
        const auto index = static_cast<std::size_t>(event.data.u64);
        std::optional<Pidfd>& pidfd = pidfds_[index];
        const bool reaped = (event.events & EPOLLHUP) != 0;
        if ((event.events & EPOLLIN) != 0 && slots_ != nullptr) {
            note_latency([&] { return read_slot(slots_->slots()[index]).notify_ns; }, now);
        }
        if (with_reap_ && !reaped) {
            epoll_event again{.events = EPOLLONESHOT, .data = event.data};
            (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, pidfd->fd(), &again);
            return;
        }
        pidfd.reset(); // leaves epoll with it
        count_handled();
    }

    Fd epoll_;
    Fd stop_;
    bool with_reap_;
    bool stopped_ = false;
    Slots* slots_ = nullptr;
    std::vector<std::optional<Pidfd>> pidfds_;
};

Result<std::unique_ptr<Watcher>> make(bool with_reap) {
    Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
    Fd stop(::eventfd(0, EFD_CLOEXEC));
    epoll_event event{.events = EPOLLIN, .data = {.u64 = kStopTag}};
    if (!epoll || !stop || ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, stop.get(), &event) != 0) {
        return system_failure("making an epoll loop", errno);
    }
    return std::make_unique<BareEpoll>(std::move(epoll), std::move(stop), with_reap);
}

} // namespace

Contestant bare_epoll() {
    return {"bare epoll", [] { return make(false); }};
}

Contestant bare_epoll_with_reap() {
    return {"bare epoll, end and reap", [] { return make(true); }};
}

} // namespace knell::bench

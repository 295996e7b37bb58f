#include "agent/cli/commands.hpp"
#include "agent/cli/settings.hpp"
#include "agent/cli/shutdown.hpp"
#include "exporters/console/console_sink.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace knell {
namespace {

// Ends the loop after a while.
class Deadline final : private PollOp {
  public:
    static Result<std::unique_ptr<Deadline>> arm(Loop& loop, Nanoseconds after) {
        std::unique_ptr<Deadline> deadline(new Deadline(loop));
        deadline->timer_ = Fd(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
        itimerspec when{};
        when.it_value.tv_sec = static_cast<time_t>(after / kSecond);
        when.it_value.tv_nsec = static_cast<long>(after % kSecond);
        if (!deadline->timer_ || ::timerfd_settime(deadline->timer_.get(), 0, &when, nullptr) != 0) {
            return system_failure("setting a timer", errno);
        }
        if (auto armed = loop.poll_once(*deadline, deadline->timer_.get(), POLLIN); !armed) {
            return std::unexpected(std::move(armed.error()));
        }
        return deadline;
    }

  private:
    explicit Deadline(Loop& loop) : loop_(loop) {}
    void ready(int, Instant) override { loop_.stop(); }

    Loop& loop_;
    Fd timer_;
};

// A reader that left, such as `head`, has what it wanted.
Result<> show_the_rest(ConsoleSink& sink) {
    const std::uint64_t lost = sink.drain(kSecond);
    const int error = sink.last_errno();
    if (lost == 0 || error == EPIPE || error == ECONNRESET) {
        return {};
    }
    if (error == EAGAIN) {
        log::warn("{} lines were not shown: standard output took them too slowly", lost);
        return {};
    }
    return system_failure(fmt::format("writing to standard output, {} lines were not shown", lost), error);
}

} // namespace

Result<> trace(const TraceArguments& arguments) {
    auto choice = make_loop(BackendChoice::automatic);
    if (!choice) {
        return std::unexpected(std::move(choice.error()));
    }
    Loop& loop = *choice->loop;
    auto signals = stop_on_signals(loop, {});
    if (!signals) {
        return std::unexpected(std::move(signals.error()));
    }
    ObserverOptions options = observer_options(Config{});
    options.why_not_io_uring = choice->why_not_io_uring;
    auto observer = Observer::start(options, loop);
    if (!observer) {
        return std::unexpected(std::move(observer.error()));
    }
    if (!(*observer)->bpf()) {
        for (const Feature& feature : (*observer)->features()) {
            if (feature.name == "exit") {
                log::warn("without BPF only processes that live longer than a second are seen: {}", feature.why_not);
            }
        }
    }
    ConsoleOptions console = console_options(STDOUT_FILENO);
    console.json = arguments.json;
    console.count = arguments.count;
    console.filter.exits = arguments.exits;
    console.filter.execs = arguments.execs;
    console.filter.reaps = arguments.exits && arguments.json;
    console.filter.reasons = arguments.reasons;
    console.filter.comm_glob = arguments.comm_glob;
    console.filter.container_glob = arguments.container_glob;
    ConsoleSink sink(std::move(console), [&loop] { loop.stop(); });
    (*observer)->set_sinks({&sink});

    std::unique_ptr<Deadline> deadline;
    if (arguments.duration) {
        auto armed = Deadline::arm(loop, *arguments.duration);
        if (!armed) {
            return std::unexpected(std::move(armed.error()));
        }
        deadline = std::move(*armed);
    }
    auto ended = loop.run(**observer);
    (*observer)->finish();
    auto shown = show_the_rest(sink);
    return ended ? shown : ended;
}

} // namespace knell

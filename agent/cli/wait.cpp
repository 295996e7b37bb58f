#include "agent/base/log.hpp"
#include "agent/cli/awaited.hpp"
#include "agent/cli/commands.hpp"
#include "agent/cli/console.hpp"
#include "agent/cli/deadline.hpp"
#include "agent/cli/usage.hpp"
#include "agent/observer/observer.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <list>
#include <memory>

namespace knell {
namespace {

// Tells the ends of the awaited processes. Their exit events say most; where none comes, because a process was dead
// before we looked on or its record was lost, the pidfd still says that it ended and how. Loop thread.
class ExitWaiter final : public EventSink {
  public:
    ExitWaiter(Loop& loop, std::vector<Awaited> awaited, ConsoleOptions options)
        : loop_(loop), awaited_(std::move(awaited)), console_(std::move(options), [this] { loop_.stop(); }) {}

    // Tells those that ended before, and waits for the others: the loop is stopped when all have ended. `sees_killers`:
    // of those that are killed from now on.
    Result<> begin(bool sees_killers);
    void on_event(const Event& event) override;
    // After the loop: the status of the process named last, or kTimedOut.
    Result<int> finish();

    // Whether any of them was alive when it was opened.
    [[nodiscard]] bool must_wait() const { return std::ranges::count(awaited_, false, &Awaited::ended_before) > 0; }
    [[nodiscard]] auto left() const { return std::ranges::count(awaited_, false, &Awaited::told); }

  private:
    // An exit record is in the ring before the pidfd becomes readable; what it takes to get here is at most a storm's
    // backlog, and the kernel's stamps (DeathReporter).
    static constexpr Nanoseconds kEventPatience = 250 * kMillisecond;

    class EndOp final : public PollOp {
      public:
        EndOp(ExitWaiter& waiter, Awaited& awaited) : waiter_(waiter), awaited_(awaited) {}

      private:
        void ready(int revents, Instant now) override { waiter_.ended(awaited_, revents, now); }
        ExitWaiter& waiter_;
        Awaited& awaited_;
    };
    struct Unexplained {
        Awaited* awaited;
        Instant noticed;
    };

    void ended(Awaited& awaited, int revents, Instant now);
    void wait_for_events();
    void tell_unexplained(Instant noticed_until);
    void tell(const Exit& exit, const Awaited* of);
    void fail(Error error);

    Loop& loop_;
    std::vector<Awaited> awaited_; // fixed: the ops below refer to its elements
    ConsoleSink console_;
    std::list<EndOp> ops_;                 // they do not move
    std::vector<Unexplained> unexplained_; // the oldest first
    std::unique_ptr<Deadline> patience_;   // runs while something is unexplained
    bool sees_killers_ = false;
    std::optional<Error> failed_;
};

Result<> ExitWaiter::begin(bool sees_killers) {
    sees_killers_ = sees_killers;
    for (Awaited& awaited : awaited_) {
        if (awaited.told) {
            continue; // it was named twice
        }
        if (awaited.ended_before) {
            tell(exit_by_pidfd(awaited, 0), &awaited);
        } else if (auto armed = loop_.poll_once(ops_.emplace_back(*this, awaited), awaited.pidfd.fd(), POLLIN);
                   !armed) {
            return failure_in("waiting for process " + awaited.text, std::move(armed.error()));
        }
    }
    return {};
}

void ExitWaiter::on_event(const Event& event) {
    const Exit* exit = std::get_if<Exit>(&event);
    if (exit == nullptr) {
        return;
    }
    const auto awaits = [exit](const Awaited& awaited) { return !awaited.told && is_exit_of(*exit, awaited); };
    if (const auto awaited = std::ranges::find_if(awaited_, awaits); awaited != awaited_.end()) {
        tell(*exit, &*awaited);
    }
}

void ExitWaiter::tell(const Exit& exit, const Awaited* of) {
    for (Awaited& awaited : awaited_) {
        // A process that was named twice ends once.
        if (&awaited == of || (!awaited.told && is_exit_of(exit, awaited))) {
            awaited.told = true;
            if (exit.exit_code || exit.signal != 0) {
                awaited.status = shell_status(exit.exit_code, exit.signal);
            }
        }
    }
    console_.on_event(exit);
    if (left() == 0) {
        loop_.stop();
    }
}

void ExitWaiter::ended(Awaited& awaited, int revents, Instant now) {
    if (revents < 0) {
        return fail(Error{fmt::format("waiting for process {}: {}", awaited.text, ::strerror(-revents)), -revents});
    }
    if (!awaited.told) {
        unexplained_.push_back({&awaited, now});
        if (!patience_) {
            wait_for_events();
        }
    }
}

// One timer for all: it is for the oldest that is unexplained.
void ExitWaiter::wait_for_events() {
    const Nanoseconds waited = elapsed(unexplained_.front().noticed, monotonic_now());
    auto armed = Deadline::arm(loop_, elapsed(waited, kEventPatience), [this] {
        patience_.reset();
        tell_unexplained(elapsed(kEventPatience, monotonic_now()));
        if (!unexplained_.empty()) {
            wait_for_events();
        }
    });
    if (!armed) {
        return fail(std::move(armed.error()));
    }
    patience_ = std::move(*armed);
}

void ExitWaiter::tell_unexplained(Instant noticed_until) {
    std::erase_if(unexplained_, [&](const Unexplained& one) {
        if (!one.awaited->told && one.noticed <= noticed_until) {
            const Exit exit = exit_by_pidfd(*one.awaited, one.noticed);
            if (exit.signal != 0 && sees_killers_) {
                log::warn("process {} died of a signal before the programs that see who sends them were attached",
                          one.awaited->text);
            }
            tell(exit, one.awaited);
        }
        return one.awaited->told;
    });
}

void ExitWaiter::fail(Error error) {
    failed_ = std::move(error);
    loop_.stop();
}

Result<int> ExitWaiter::finish() {
    if (failed_) {
        return std::unexpected(std::move(*failed_));
    }
    tell_unexplained(monotonic_now());
    if (auto shown = show_the_rest(console_); !shown) {
        return std::unexpected(std::move(shown.error()));
    }
    if (left() > 0) {
        fmt::print(stderr, "knell: {} of {} processes did not end in time\n", left(), awaited_.size());
        return kTimedOut;
    }
    const Awaited& last = awaited_.back();
    if (!last.status) {
        return failure(fmt::format("process {} ended, and how is not known (that takes BPF, the same user or "
                                   "CAP_SYS_PTRACE: see `knell doctor`)",
                                   last.text));
    }
    return *last.status;
}

// The pool watches those, and processes with the same names: the deaths of the others are not delayed by it, and the
// awaited ones have their times. Every byte is quoted: a name may look like a pattern.
WatchSelect select_by_name(const std::vector<Awaited>& awaited) {
    std::vector<std::string> patterns;
    for (const Awaited& one : awaited) {
        std::string pattern;
        for (const char c : one.process.comm) {
            pattern += '\\';
            pattern += c;
        }
        patterns.push_back(std::move(pattern));
    }
    return {.comm = PatternList(std::move(patterns))};
}

Result<std::unique_ptr<Observer>> start_observer(LoopChoice& choice, WatchSelect select) {
    ObserverOptions options;
    options.select = std::move(select);
    options.probe.pidfd_creation = false; // nobody reads these counts here
    options.held_pidfds = false;
    options.why_not_io_uring = choice.why_not_io_uring;
    auto observer = Observer::start(options, *choice.loop);
    if (observer && !(*observer)->bpf()) {
        log::warn("without BPF it is not seen who kills: `knell doctor` explains what is missing");
    }
    return observer;
}

Result<> run_until_ended(Loop& loop, Observer& observer, std::optional<Nanoseconds> timeout) {
    std::unique_ptr<Deadline> deadline;
    if (timeout) {
        auto armed = Deadline::arm(loop, *timeout, [&loop] { loop.stop(); });
        if (!armed) {
            return std::unexpected(std::move(armed.error()));
        }
        deadline = std::move(*armed);
    }
    auto ended = loop.run(observer);
    observer.finish();
    return ended;
}

} // namespace

// No signal is caught: what ends this program by its default action is just what a shell expects of a wait.
Result<int> wait_for_exits(const WaitArguments& arguments) {
    auto awaited = open_awaited(arguments.processes);
    if (!awaited) {
        return std::unexpected(std::move(awaited.error()));
    }
    auto choice = make_loop(BackendChoice::automatic);
    if (!choice) {
        return std::unexpected(std::move(choice.error()));
    }
    WatchSelect select = select_by_name(*awaited);
    ConsoleOptions console = console_options(STDOUT_FILENO);
    console.json = arguments.json;
    ExitWaiter waiter(*choice->loop, std::move(*awaited), std::move(console));
    std::unique_ptr<Observer> observer;
    if (waiter.must_wait()) {
        auto started = start_observer(*choice, std::move(select));
        if (!started) {
            return std::unexpected(std::move(started.error()));
        }
        observer = std::move(*started);
        observer->set_sinks({&waiter});
    }
    if (auto begun = waiter.begin(observer && observer->bpf()); !begun) {
        return std::unexpected(std::move(begun.error()));
    }
    if (waiter.left() > 0) {
        if (auto ran = run_until_ended(*choice->loop, *observer, arguments.timeout); !ran) {
            return std::unexpected(std::move(ran.error()));
        }
    }
    return waiter.finish();
}

} // namespace knell

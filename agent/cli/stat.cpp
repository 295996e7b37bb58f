#include "agent/cli/commands.hpp"
#include "agent/cli/deadline.hpp"
#include "agent/cli/stat_report.hpp"
#include "agent/cli/usage.hpp"
#include "agent/loop/signals.hpp"
#include "agent/observer/observer.hpp"
#include "agent/pidfd/features.hpp"
#include "agent/pidfd/numbers.hpp"
#include "agent/pidfd/spawn.hpp"
#include "agent/probe/bpf_stats.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

namespace knell {
namespace {

// Processes that live for so long are watched: a pidfd for each that ends sooner would cost more than it tells.
constexpr Nanoseconds kWatchedFrom = 10 * kMillisecond;
// Twice the usual: what comes faster than it is read is lost, and a report should not have to say so.
constexpr std::uint64_t kRingBytes = 16ULL << 20;
// The command's last events follow its end within a storm's backlog.
constexpr Nanoseconds kPatience = 300 * kMillisecond;
// As shells have it.
constexpr int kNotFound = 127;
constexpr int kNotExecutable = 126;

Nanoseconds own_cpu_time() {
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

Nanoseconds bpf_time(const Status& status) {
    Nanoseconds time = 0;
    for (const ProgramStats& program : status.programs) {
        time += program.time;
    }
    return time;
}

// A command that runs while its family is counted. Loop thread.
class StatRun final : public EventSink {
  public:
    static Result<std::unique_ptr<StatRun>> start(const StatArguments& arguments);
    // Until the command ended, or with `wait_for_all` the last of its family.
    Result<StatReport> run();

  private:
    class EndOp final : public PollOp {
      public:
        explicit EndOp(StatRun& stat) : stat_(stat) {}

      private:
        void ready(int, Instant) override { stat_.command_ended(); }
        StatRun& stat_;
    };

    StatRun(const StatArguments& arguments, LoopChoice choice)
        : arguments_(arguments), choice_(std::move(choice)), end_(*this) {}

    Result<> open();
    void on_event(const Event& event) override;
    void command_ended();
    void stop_when_done();
    void stop_soon();
    void drop_the_lost();
    void forward(int signal);

    const StatArguments& arguments_;
    LoopChoice choice_;
    sigset_t command_mask_{}; // what the command is to have blocked
    rlimit command_limit_{};  // its limit of descriptors
    std::unique_ptr<SignalWatch> signals_;
    std::optional<FamilyTally> tally_; // once the command's number is known, before the loop runs
    std::unique_ptr<Observer> observer_;
    Fd bpf_stats_;
    std::optional<Pidfd> command_;
    pid_t pid_ = 0;
    std::optional<int> status_; // wait status
    Instant ended_at_ = 0;
    EndOp end_;
    std::unique_ptr<Deadline> patience_;
    std::optional<Error> failed_;
};

Result<std::unique_ptr<StatRun>> StatRun::start(const StatArguments& arguments) {
    auto choice = make_loop(BackendChoice::automatic);
    if (!choice) {
        return std::unexpected(std::move(choice.error()));
    }
    std::unique_ptr<StatRun> stat(new StatRun(arguments, std::move(*choice)));
    if (auto opened = stat->open(); !opened) {
        return std::unexpected(std::move(opened.error()));
    }
    return stat;
}

Result<> StatRun::open() {
    Loop& loop = *choice_.loop;
    (void)::sigprocmask(SIG_SETMASK, nullptr, &command_mask_);
    (void)::getrlimit(RLIMIT_NOFILE, &command_limit_); // the observer raises ours
    // The terminal sends SIGINT and SIGQUIT to the command too: it decides, and the report comes in any case.
    auto signals =
        SignalWatch::make(loop, {SIGINT, SIGQUIT, SIGTERM, SIGHUP}, [this](int signal, Instant) { forward(signal); });
    if (!signals) {
        return std::unexpected(std::move(signals.error()));
    }
    signals_ = std::move(*signals);
    ObserverOptions options;
    options.probe.ring.size_bytes = kRingBytes;
    options.probe.late_wakeup = kWatchedFrom;
    options.pool.min_age = kWatchedFrom;
    options.probe.pidfd_creation = false;
    options.held_pidfds = false;
    options.why_not_io_uring = choice_.why_not_io_uring;
    options.select.process = [this](const knell_process& process) {
        return tally_ && tally_->family().has(process.pid, process.start_ns);
    };
    options.on_birth = [this](const knell_fork& birth) {
        if (tally_) {
            tally_->born(birth);
        }
    };
    auto observer = Observer::start(options, loop);
    if (!observer) {
        return std::unexpected(std::move(observer.error()));
    }
    observer_ = std::move(*observer);
    if (!observer_->bpf()) {
        return failure("without BPF nobody can tell who a process's children are: `knell doctor` says what is missing");
    }
    if (arguments_.bpf_time) {
        auto enabled = enable_bpf_stats();
        if (!enabled) {
            return std::unexpected(std::move(enabled.error()));
        }
        bpf_stats_ = std::move(*enabled);
    }
    observer_->set_sinks({this});
    return {};
}

void StatRun::forward(int signal) {
    if (signal == SIGTERM || signal == SIGHUP) {
        (void)command_->send_signal(signal); // it may have ended
    }
    if (status_) {
        choice_.loop->stop(); // only the rest of the family is waited for
    }
}

Result<StatReport> StatRun::run() {
    SpawnOptions options;
    options.argv = arguments_.command;
    options.signal_mask = command_mask_;
    options.descriptor_limit = command_limit_;
    const Status before = observer_->status();
    const Nanoseconds cpu_before = own_cpu_time();
    const Instant start = monotonic_now();
    auto command = Pidfd::spawn(options);
    if (!command) {
        return std::unexpected(std::move(command.error()));
    }
    command_ = std::move(*command);
    const auto number = own_number(*command_);
    if (!number) { // no procfs, or no descriptors left: it would run on without a report
        (void)command_->send_signal(SIGKILL);
        (void)command_->wait();
        return std::unexpected(number.error());
    }
    pid_ = *number;
    rusage own{};
    (void)::getrusage(RUSAGE_SELF, &own);
    tally_.emplace(Family(::getpid(), pid_), static_cast<std::uint64_t>(own.ru_maxrss) * 1024,
                   available(PidfdFeature::pidfs));
    if (auto armed = choice_.loop->poll_once(end_, command_->fd(), POLLIN); !armed) {
        return std::unexpected(std::move(armed.error()));
    }
    auto ran = choice_.loop->run(*observer_);
    observer_->finish();
    if (!ran) {
        return std::unexpected(std::move(ran.error()));
    }
    if (failed_) {
        return std::unexpected(std::move(*failed_));
    }
    const Status after = observer_->status();
    drop_the_lost();
    StatReport report;
    report.command = arguments_.command;
    report.status = WIFEXITED(*status_) ? WEXITSTATUS(*status_) : shell_status(std::nullopt, WTERMSIG(*status_));
    report.wall = elapsed(start, ended_at_);
    report.family = tally_->counts();
    report.watched_from = kWatchedFrom;
    report.births_lost = after.kernel.forks_dropped - before.kernel.forks_dropped;
    report.exits_lost = after.kernel.exits_spilled + after.kernel.exits_unaccounted - before.kernel.exits_spilled -
                        before.kernel.exits_unaccounted;
    report.cost_cpu = own_cpu_time() - cpu_before;
    if (arguments_.bpf_time) {
        report.cost_bpf = bpf_time(after) - bpf_time(before);
    }
    return report;
}

void StatRun::on_event(const Event& event) {
    if (tally_) {
        tally_->on_event(event);
        stop_when_done();
    }
}

// The command is our child: it is ours to collect.
void StatRun::command_ended() {
    ended_at_ = monotonic_now();
    const auto status = command_->wait(0);
    if (!status || !*status) {
        failed_ = status ? Error{"the command ended and has no status", 0} : status.error();
        choice_.loop->stop();
        return;
    }
    status_ = *status;
    stop_when_done();
    stop_soon();
}

// Everything that ended before the command was told before it. Of those that ended as it did, the reaps are still to
// come, unless nobody collects them.
void StatRun::stop_when_done() {
    if (!status_) {
        return;
    }
    // With CLONE_PARENT the command gave us children that we did not ask for.
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    if (tally_->family().alive() == 0 && tally_->uncollected() == 0) {
        choice_.loop->stop();
    }
}

// What does not come in time does not come. Whoever waits for all looks again as long as somebody lives.
void StatRun::stop_soon() {
    auto armed = Deadline::arm(*choice_.loop, kPatience, [this] {
        drop_the_lost();
        if (arguments_.wait_for_all && tally_->family().alive() > 0) {
            stop_soon();
        } else {
            choice_.loop->stop();
        }
    });
    if (!armed) {
        choice_.loop->stop();
        return;
    }
    patience_ = std::move(*armed);
}

// An exit that found the ring full names no process: its member would seem to live for ever.
void StatRun::drop_the_lost() {
    if (observer_->status().kernel.exits_spilled != 0) {
        tally_->family().drop_if(
            [](std::uint32_t pid) { return ::kill(static_cast<pid_t>(pid), 0) != 0 && errno == ESRCH; });
    }
}

Result<> write_report(const StatArguments& arguments, const StatReport& report) {
    const std::string text = arguments.json ? to_json(report) : to_table(report);
    Fd file;
    if (!arguments.output.empty()) {
        file = Fd(::open(arguments.output.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
        if (!file) {
            return system_failure("opening " + arguments.output, errno);
        }
    }
    const int fd = file ? file.get() : STDERR_FILENO;
    for (std::size_t written = 0; written < text.size();) {
        const ssize_t count = ::write(fd, text.data() + written, text.size() - written);
        if (count < 0 && errno != EINTR) {
            return system_failure("writing the report", errno);
        }
        written += count > 0 ? static_cast<std::size_t>(count) : 0;
    }
    return {};
}

} // namespace

Result<int> stat(const StatArguments& arguments) {
    auto stat = StatRun::start(arguments);
    if (!stat) {
        return std::unexpected(std::move(stat.error()));
    }
    const auto report = (*stat)->run();
    if (!report) {
        const int error = report.error().errno_value;
        fmt::print(stderr, "knell: {}\n", printable(report.error().message));
        return error == ENOENT ? kNotFound : error == EACCES ? kNotExecutable : kFailed;
    }
    if (auto written = write_report(arguments, *report); !written) {
        return std::unexpected(std::move(written.error()));
    }
    return report->status;
}

} // namespace knell

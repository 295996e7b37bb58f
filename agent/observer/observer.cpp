#include "agent/observer/observer.hpp"

#include "agent/base/file.hpp"
#include "agent/base/pid_namespace.hpp"
#include "agent/observer/features.hpp"
#include "agent/observer/record_events.hpp"
#include "agent/pidfd/features.hpp"
#include "agent/pidfd/numbers.hpp"
#include "agent/probe/decode.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <limits>

namespace knell {
namespace {

// One descriptor per watched process: takes what the hard limit allows. How many the pool may use, so that scrapes,
// cgroup look-ups and exporters never find them all taken.
std::uint32_t raise_descriptor_limit() {
    constexpr rlim_t kReserved = 64;
    rlimit limit{};
    (void)::getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < limit.rlim_max) {
        const rlimit raised{limit.rlim_max, limit.rlim_max};
        if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) {
            limit = raised;
        }
    }
    const rlim_t usable = limit.rlim_cur > kReserved ? limit.rlim_cur - kReserved : 1;
    return static_cast<std::uint32_t>(std::min<rlim_t>(usable, std::numeric_limits<std::uint32_t>::max()));
}

ProbeOptions complete(ProbeOptions options, std::uint32_t slots, bool read_cgroup_v1, std::uint32_t pid_namespace) {
    options.slots = slots;
    options.read_cgroup_v1 = read_cgroup_v1;
    options.pid_namespace = pid_namespace;
    return options;
}

struct Pins {
    std::optional<PinDirectory> directory;
    std::string why_not;
};

// Each is tried when it is first asked for, one with a process that ends at once: before anything is observed, or its
// death would be told, and before system calls are restricted.
void try_pidfd_features() {
    for (const PidfdFeature feature : {PidfdFeature::pidfs, PidfdFeature::info, PidfdFeature::exit_info}) {
        (void)available(feature);
    }
}

// What cannot be pinned still runs. An error alone is another agent at work with the same pins.
Result<Pins> lock_pins(const std::string& path) {
    Pins pins;
    if (path.empty()) {
        return pins;
    }
    auto locked = PinDirectory::lock(path);
    if (locked) {
        pins.directory = std::move(*locked);
    } else if (locked.error().errno_value == EWOULDBLOCK) {
        return std::unexpected(std::move(locked.error()));
    } else {
        pins.why_not = std::move(locked.error().message);
    }
    return pins;
}

std::pair<std::uint32_t, std::uint64_t> identity_of(const knell_process& process) {
    return {process.pid, process.start_ns};
}

template <typename... Handlers>
struct Overloaded : Handlers... {
    using Handlers::operator()...;
};

} // namespace

Result<std::unique_ptr<Observer>> Observer::start(const ObserverOptions& options, Loop& loop) {
    std::unique_ptr<Observer> observer(new Observer(options, loop));
    if (auto opened = observer->open(options); !opened) {
        return std::unexpected(std::move(opened.error()));
    }
    return observer;
}

Observer::Observer(const ObserverOptions& options, Loop& loop)
    : loop_(loop), ledger_(std::make_unique<Ledger>(options.ledger)), on_birth_(options.on_birth) {}

Observer::~Observer() = default;

Result<> Observer::open(const ObserverOptions& options) {
    try_pidfd_features();
    PoolOptions pool_options = options.pool;
    pool_options.capacity = std::min(pool_options.capacity, raise_descriptor_limit());
    const auto pid_namespace = own_pid_namespace();
    if (!pid_namespace) {
        return std::unexpected(pid_namespace.error());
    }
    auto pins = lock_pins(options.pin);
    if (!pins) {
        return std::unexpected(std::move(pins.error()));
    }
    // Without cgroups there are no places; processes die all the same.
    auto hierarchies = open_hierarchies();
    const auto readable = hierarchies ? can_name_cgroups(*hierarchies) : Result<>(std::unexpected(hierarchies.error()));
    const std::string why_no_cgroups = readable ? "" : readable.error().message;
    const bool read_cgroup_v1 = hierarchies && hierarchies->v1_memory.has_value();
    auto probe = Probe::load(complete(options.probe, pool_options.capacity, read_cgroup_v1, *pid_namespace),
                             std::move(pins->directory));
    const std::string why_no_bpf = probe ? "" : probe.error().message;
    if (probe) {
        probe_ = std::move(*probe);
        consumer_.emplace(probe_->ring(), probe_->control(), options.probe.ring.coalesce);
    }
    places_ = std::make_unique<Places>(PlaceResolver(hierarchies ? std::move(*hierarchies) : Hierarchies{},
                                                     options.attribution.mode, options.attribution.names),
                                       *ledger_);
    reporter_ =
        std::make_unique<DeathReporter>(DeathReporter::Sources{probe_ != nullptr, probe_ && probe_->observes_signals()},
                                        options.select, *places_, *ledger_, events_);
    pool_ = std::make_unique<Pool>(loop_, probe_.get(), pool_options, *reporter_);
    set_sinks({});
    note_reload(true);

    // Before the pool opens its own.
    if (probe_ && options.held_pidfds) {
        held_pidfds_ = count_held_pidfds({.read_cgroup_v1 = read_cgroup_v1, .pid_namespace = *pid_namespace}, *places_);
    } else {
        held_pidfds_.why_not = probe_ ? "turned off (pidfd_creation: off)" : why_no_bpf;
    }
    auto scanned = pool_->scan_proc();
    if (!scanned && !probe_) {
        return failure_in("neither BPF (" + why_no_bpf + ") nor /proc can be used", scanned.error());
    }
    if (scanned) {
        scanned = check_proc_is_ours();
    }
    features_ = describe_features(
        probe_.get(), loop_,
        {.bpf = why_no_bpf,
         .cgroups = why_no_cgroups,
         .io_uring = options.why_not_io_uring,
         .pin = pins->why_not,
         .scan = scanned ? "" : "processes from before the start are not watched: " + scanned.error().message,
         .host_processes = *pid_namespace == 0 ? "" : "the agent is in a pid namespace below the initial one",
         .held_pidfds = held_pidfds_.why_not,
         .counts_held_pidfds = held_pidfds_.counts.has_value()});
    next_scan_ = monotonic_now() + kScanInterval;
    ready_.store(true, std::memory_order_release);
    return {};
}

void Observer::set_sinks(std::vector<EventSink*> sinks) {
    sinks.insert(sinks.begin(), ledger_.get());
    events_.set_sinks(std::move(sinks));
}

Result<> Observer::set_select(WatchSelect select) {
    reporter_->set_select(std::move(select));
    pool_->ask_again();
    return pool_->scan_proc();
}

void Observer::finish() {
    drain(monotonic_now()); // producers may go on: no more than what is waiting now
    if (probe_) {
        take_spill();
    }
    pool_->release_all();
}

void Observer::note_reload(bool ok) {
    reload_ok_ = ok;
    if (ok) {
        reloaded_unix_seconds_ = read_clock(CLOCK_REALTIME) / kSecond;
    }
}

void Observer::turn_begins(Instant now) {
    if (probe_ && !probe_->predecessors().empty()) {
        read_predecessors(now);
    }
    drain(now);
    make_up_for_losses(now);
    reporter_->tell_late(now);
    pool_->release_due(now);
    pool_->open_due(now, kOpensPerTurn);
    places_->maintain(now);
    if (!probe_ && now >= next_scan_) {
        (void)pool_->scan_proc(); // it worked at the start; a passing lack of descriptors is counted by the pool
        next_scan_ = now + kScanInterval;
    }
}

// Their programs and ours ran side by side for a moment. Taking their spill waits until no program runs any more that
// had begun before: whatever both saw is in both rings then. What overflowed into both spills cannot be told apart.
void Observer::read_predecessors(Instant now) {
    const auto read = [this](std::span<const std::byte> bytes) {
        const Record record = decode(bytes);
        const auto* exit = std::get_if<const knell_exit*>(&record);
        if (exit == nullptr || !told_beside_predecessors_.contains(identity_of((*exit)->process))) {
            handle(bytes);
        }
    };
    for (Predecessor& each : probe_->predecessors()) {
        (void)take_spill(each.spill()); // a failure is counted; there is no second chance
    }
    drain(now);
    for (Predecessor& each : probe_->predecessors()) {
        each.ring().drain(each.ring().capacity_bytes(), read);
    }
    told_beside_predecessors_.clear();
    (void)probe_->drop_predecessors(); // the next start tries again, and finds nothing in them to tell
}

void Observer::drain(Instant now) {
    if (consumer_) {
        consumer_->drain(now, [this](std::span<const std::byte> bytes) { handle(bytes); });
    }
}

// What the ring had no room for, once there is time for it again.
void Observer::make_up_for_losses(Instant now) {
    if (!probe_) {
        return;
    }
    if (__atomic_load_n(&probe_->control().spilled, __ATOMIC_RELAXED) != 0 && now >= next_spill_) {
        take_spill();
        next_spill_ = now + kSpillInterval;
    }
    if (__atomic_load_n(&probe_->control().births_lost, __ATOMIC_RELAXED) != 0 && now >= next_heal_) {
        find_lost_births();
        next_heal_ = now + kHealInterval;
    }
}

// Each flag is cleared before what it stands for is taken, and set again when that failed.
void Observer::take_spill() {
    std::uint32_t& spilled = probe_->control().spilled;
    __atomic_store_n(&spilled, 0, __ATOMIC_SEQ_CST);
    if (!take_spill(probe_->spill())) {
        __atomic_store_n(&spilled, 1, __ATOMIC_RELAXED);
    }
}

bool Observer::take_spill(Spill& spill) {
    std::vector<SpilledExits> all;
    const auto taken = spill.take(all);
    for (const auto& [key, value] : all) {
        reporter_->spilled(key, value);
    }
    spill_errors_.add(taken ? 0 : 1);
    return taken.has_value();
}

void Observer::find_lost_births() {
    std::uint32_t& births_lost = probe_->control().births_lost;
    __atomic_store_n(&births_lost, 0, __ATOMIC_SEQ_CST);
    if (const auto scanned = pool_->scan_proc(); !scanned) {
        __atomic_store_n(&births_lost, 1, __ATOMIC_RELAXED);
    }
}

void Observer::handle(std::span<const std::byte> bytes) {
    std::visit(Overloaded{
                   [this](UndecodableRecord) { decode_errors_.add(); },
                   [this](const knell_fork* fork) {
                       if (on_birth_) {
                           on_birth_(*fork);
                       }
                       (void)places_->find(cgroups_of(fork->child)); // first sight: its series start at zero
                       pool_->forked(fork->child, fork->head.time_ns);
                   },
                   [this](const knell_exec* exec) {
                       pool_->execed(exec->process);
                       reporter_->execed(*exec);
                   },
                   [this](const knell_exit* exit) {
                       if (!probe_->predecessors().empty()) {
                           told_beside_predecessors_.insert(identity_of(exit->process));
                       }
                       reporter_->exited(*exit, pool_->exited(exit->process));
                   },
                   [this](const knell_pidfd* opened) {
                       events_.on_event(pidfd_open_of(*opened, places_->find(cgroups_of(opened->opener))));
                   },
               },
               decode(bytes));
}

std::optional<Nanoseconds> Observer::may_sleep(Instant now) {
    const auto until = [now](std::optional<Instant> then) {
        return then ? std::optional(elapsed(now, *then)) : std::nullopt;
    };
    if (!probe_) {
        return earliest(until(next_scan_), until(pool_->next_due()));
    }
    if (!probe_->predecessors().empty()) {
        return 0; // before the first turn: what they left wakes nobody
    }
    auto sleep = consumer_->may_sleep();
    // Armed, the wait must be in place even when a record has come since: its producer's wake-up is the only one, and
    // the wait finds the record when it starts. While coalescing nobody wakes us, the timer drains.
    if (!sleep && !ring_waiter_.pending()) {
        const bool refused = ring_waiter_.take_refused();
        if (refused || !loop_.poll_once(ring_waiter_, probe_->ring_fd(), POLLIN)) {
            sleep = kMillisecond; // out of memory for now: look again soon
        }
    }
    return earliest(earliest(sleep, until(reporter_->next_late())), until(pool_->next_due()));
}

bool Observer::loop_turns_within(Nanoseconds patience) const {
    const std::uint64_t before = loop_.stats().turns;
    const Instant deadline = monotonic_now() + patience;
    loop_.wake();
    for (Nanoseconds pause = 50 * kMicrosecond; loop_.stats().turns == before;
         pause = std::min(pause * 2, 20 * kMillisecond)) {
        if (monotonic_now() >= deadline) {
            return false;
        }
        const timespec span = to_timespec(pause);
        (void)::nanosleep(&span, nullptr);
    }
    return true;
}

Status Observer::status() const {
    Status status;
    status.ready = ready_.load(std::memory_order_acquire);
    status.bpf = probe_ != nullptr;
    if (probe_) {
        status.kernel = probe_->counts();
        status.programs = probe_->program_stats();
        status.maps = probe_->map_memory();
        status.bpf_stats = std::ranges::any_of(status.programs, [](const auto& program) { return program.time > 0; });
        status.ring_bytes = probe_->ring().used_bytes();
        status.ring_capacity_bytes = probe_->ring().capacity_bytes();
    }
    status.decode_errors = decode_errors_.value();
    status.spill_errors = spill_errors_.value();
    for (std::size_t i = 0; i < status.lines_lost.size(); ++i) {
        status.lines_lost[i] = lost_lines_[i].value();
    }
    for (std::size_t i = 0; i < status.watches.size(); ++i) {
        status.watches[i] = pool_->count(static_cast<WatchState>(i));
    }
    status.watch_capacity = pool_->capacity();
    status.tables = {{"candidates", pool_->count(WatchState::candidate), Pool::kMaxCandidates},
                     {"workload_places", ledger_->places(), ledger_->place_capacity()}};
    std::ranges::copy(places_->tables(), std::back_inserter(status.tables));
    for (std::size_t i = 0; i < status.watch_refused.size(); ++i) {
        status.watch_refused[i] = pool_->refused(static_cast<WatchRefusal>(i));
    }
    for (std::size_t i = 0; i < status.unattributed.size(); ++i) {
        status.unattributed[i] = places_->unattributed(static_cast<Unattributed>(i));
    }
    for (std::size_t i = 0; i < status.unnamed.size(); ++i) {
        status.unnamed[i] = places_->unnamed(static_cast<NameMiss>(i + 1));
    }
    if (probe_ && available(PidfdFeature::exit_info)) {
        auto& disagreements = status.witness_disagreements.emplace();
        for (std::size_t i = 0; i < disagreements.size(); ++i) {
            disagreements[i] = reporter_->witnesses().disagreements(static_cast<WitnessField>(i));
        }
    }
    status.observes_pidfds = probe_ && probe_->observes_pidfds();
    status.held_pidfds = held_pidfds_.counts;
    status.loop_backend = name(loop_.backend());
    const Loop::Stats loop = loop_.stats();
    status.loop_turns = loop.turns;
    status.completion_overflows = loop.overflows;
    status.config_reload_ok = reload_ok_;
    status.config_reloaded_unix_seconds = reloaded_unix_seconds_;
    status.features = features_;
    return status;
}

} // namespace knell

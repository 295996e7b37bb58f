#include "agent/probe/probe.hpp"

#include "agent/probe/programs.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <tuple>
#include <utility>

namespace knell {
namespace {

// The second succeeds, unless more observers than anybody runs tag at once.
constexpr int kTagAttempts = 16;

// The kernel maps arrays in whole pages.
std::size_t whole_pages(std::size_t bytes) {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    return (bytes + page - 1) / page * page;
}

Result<void*> map_array(bpf_map* map, std::size_t bytes) {
    void* memory = ::mmap(nullptr, whole_pages(bytes), PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
    if (memory == MAP_FAILED) {
        return system_failure(std::string("mapping the BPF array ") + bpf_map__name(map), errno);
    }
    return memory;
}

} // namespace

Result<std::unique_ptr<Probe>> Probe::load(const ProbeOptions& options, std::optional<PinDirectory> pins) {
    auto btf = KernelBtf::load();
    if (!btf) {
        return std::unexpected(std::move(btf.error()));
    }
    std::unique_ptr<Probe> probe(new Probe(std::make_unique<Programs>(*btf, options)));
    std::string why_afresh;
    if (pins) {
        auto adopted = probe->adopt(options, *pins);
        if (!adopted) {
            why_afresh = std::move(adopted.error().message);
            probe.reset(new Probe(std::make_unique<Programs>(*btf, options))); // that one may be half done
        }
    }
    if (!probe->adopted_) {
        if (auto started = probe->start_afresh(options); !started) {
            return std::unexpected(std::move(started.error()));
        }
    }
    probe->describe_features(options);
    if (pins) {
        probe->keep(std::move(*pins), why_afresh);
    }
    return probe;
}

Result<> Probe::start_afresh(const ProbeOptions& options) {
    if (auto loaded = programs_->load(options); !loaded) {
        return loaded;
    }
    // Before attaching: the consumer must be able to read from the first record on.
    if (auto mapped = map_shared_memory(options); !mapped) {
        return mapped;
    }
    return programs_->attach();
}

void Probe::describe_features(const ProbeOptions& options) {
    for (const HookChoice& choice : programs_->choices) {
        const bool on = choice.hook() != nullptr;
        features_.push_back({choice.feature(), on ? choice.hook()->name : "", choice.refusals(), ""});
        observes_signals_ |= on && choice.feature() == "signal";
        observes_pidfds_ |= on && choice.feature() == "pidfd_creation";
    }
    if (!options.pidfd_creation) {
        features_.push_back({"pidfd_creation", "", "turned off (pidfd_creation: off)", ""});
    }
}

Probe::Probe(std::unique_ptr<Programs> programs) : programs_(std::move(programs)) {}

Probe::~Probe() {
    if (control_ != nullptr) {
        ::munmap(control_, whole_pages(sizeof(knell_control)));
    }
    if (!slots_.empty()) {
        ::munmap(slots_.data(), whole_pages(slots_.size_bytes()));
    }
}

Result<> Probe::map_shared_memory(const ProbeOptions& options) {
    auto& maps = programs_->skeleton->maps;
    auto ring = Ring::map(bpf_map__fd(maps.ring), options.ring.size_bytes);
    if (!ring) {
        return std::unexpected(std::move(ring.error()));
    }
    ring_ = std::make_unique<Ring>(std::move(*ring));
    auto control = map_array(maps.control, sizeof(knell_control));
    if (!control) {
        return std::unexpected(std::move(control.error()));
    }
    control_ = static_cast<knell_control*>(*control);
    // What earlier agents tagged is not in our slots. Whether they left something to make up for is not known.
    __atomic_add_fetch(&control_->generation, 1, __ATOMIC_RELEASE);
    __atomic_store_n(&control_->agent_pid, static_cast<std::uint32_t>(::getpid()), __ATOMIC_RELAXED);
    __atomic_store_n(&control_->spilled, adopted_ ? 1 : 0, __ATOMIC_RELAXED);
    auto spill = Spill::open(bpf_map__fd(maps.spill), {bpf_map__fd(maps.spill_even), bpf_map__fd(maps.spill_odd)});
    if (!spill) {
        return std::unexpected(std::move(spill.error()));
    }
    spill_.emplace(*spill);
    auto slots = map_array(maps.slots, options.slots * sizeof(knell_slot));
    if (!slots) {
        return std::unexpected(std::move(slots.error()));
    }
    slots_ = {static_cast<knell_slot*>(*slots), options.slots};
    return {};
}

int Probe::ring_fd() const {
    return bpf_map__fd(programs_->skeleton->maps.ring);
}

Result<> Probe::tag(int pidfd, std::uint32_t slot) {
    const int map = bpf_map__fd(programs_->skeleton->maps.watch_slots);
    // EAGAIN: another observer of this node gave the task its first storage at the same instant
    // (bpf_local_storage_alloc()). They all tag a process when it has the same age, so that is not rare; the storage
    // is there then.
    const knell_tag tag{slot, control_->generation};
    int error = -EAGAIN;
    for (int attempt = 0; attempt < kTagAttempts && error == -EAGAIN; ++attempt) {
        error = bpf_map_update_elem(map, &pidfd, &tag, BPF_ANY);
    }
    if (error != 0) {
        // A pid without a task is ENOENT there (bpf_pid_task_storage_update_elem()), ESRCH everywhere else.
        return system_failure("tagging a process through its pidfd", error == -ENOENT ? ESRCH : -error);
    }
    return {};
}

void Probe::untag(int pidfd) {
    // ENOENT or ESRCH: the process, and its tag with it, is gone already.
    (void)bpf_map_delete_elem(bpf_map__fd(programs_->skeleton->maps.watch_slots), &pidfd);
}

KernelCounts Probe::counts() const {
    const auto cpus = static_cast<std::size_t>(std::max(1, libbpf_num_possible_cpus()));
    std::vector<knell_counters> per_cpu(cpus);
    const std::uint32_t zero = 0;
    if (bpf_map_lookup_elem(bpf_map__fd(programs_->skeleton->maps.counters), &zero, per_cpu.data()) != 0) {
        return {}; // an array's only element cannot be missing
    }
    const auto sum = [&](knell_counter which) {
        std::uint64_t total = 0;
        for (const knell_counters& counters : per_cpu) {
            total += counters.value[which];
        }
        return total;
    };
    KernelCounts counts;
    counts.exits_seen = sum(KNELL_COUNTER_EXITS_SEEN);
    counts.exits_delivered = sum(KNELL_COUNTER_EXITS_DELIVERED);
    counts.exits_spilled = sum(KNELL_COUNTER_EXITS_SPILLED);
    counts.exits_unaccounted = sum(KNELL_COUNTER_EXITS_UNACCOUNTED);
    counts.exits_outside = sum(KNELL_COUNTER_EXITS_OUTSIDE);
    counts.forks = sum(KNELL_COUNTER_FORKS);
    counts.forks_dropped = sum(KNELL_COUNTER_FORKS_DROPPED);
    counts.execs = sum(KNELL_COUNTER_EXECS);
    counts.execs_dropped = sum(KNELL_COUNTER_EXECS_DROPPED);
    counts.wakeups_armed = sum(KNELL_COUNTER_WAKEUPS_ARMED);
    counts.wakeups_high_water = sum(KNELL_COUNTER_WAKEUPS_HIGH_WATER);
    counts.wakeups_late = sum(KNELL_COUNTER_WAKEUPS_LATE);
    counts.wakeups_spill = sum(KNELL_COUNTER_WAKEUPS_SPILL);
    counts.signals = sum(KNELL_COUNTER_SIGNALS);
    counts.marks_failed = sum(KNELL_COUNTER_MARKS_FAILED);
    static_assert(std::tuple_size_v<decltype(counts.pidfds)> == KNELL_PIDFD_VIA_COUNT);
    for (std::size_t via = 0; via < counts.pidfds.size(); ++via) {
        counts.pidfds[via] = sum(static_cast<knell_counter>(KNELL_COUNTER_PIDFDS + via));
    }
    counts.pidfds_dropped = sum(KNELL_COUNTER_PIDFDS_DROPPED);
    return counts;
}

std::vector<ProgramStats> Probe::program_stats() const {
    std::vector<ProgramStats> all;
    for (const HookChoice& choice : programs_->choices) {
        ProgramStats stats{choice.feature()};
        for (const bpf_program* program : programs_->programs_of(choice)) {
            bpf_prog_info info{};
            std::uint32_t size = sizeof info;
            if (bpf_obj_get_info_by_fd(programs_->fd_of(program), &info, &size) == 0) {
                stats.runs += info.run_cnt;
                stats.time += info.run_time_ns;
                stats.recursion_misses += info.recursion_misses;
            }
        }
        if (!programs_->programs_of(choice).empty()) {
            all.push_back(std::move(stats));
        }
    }
    return all;
}

} // namespace knell

#include "agent/probe/programs.hpp"

#include "agent/probe/libbpf_log.hpp"

#include "bpf/events.h"

#include <unistd.h>

#include <cerrno>
#include <iterator>
#include <utility>

namespace knell {
namespace {

std::uint64_t bits_of(const std::vector<int>& signals) {
    std::uint64_t bits = 0;
    for (const int signal : signals) {
        bits |= signal >= 1 && signal <= 64 ? 1ULL << (signal - 1) : 0;
    }
    return bits;
}

knell_knobs knobs_for(const std::vector<const HookChoice*>& wanted, const ProbeOptions& options) {
    knell_knobs knobs{};
    knobs.high_water_bytes = options.ring.size_bytes / 4;
    knobs.late_wakeup_ns = options.late_wakeup;
    knobs.stop_signals = bits_of(options.stop_signals);
    knobs.page_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    knobs.read_cgroup_v1 = options.read_cgroup_v1 ? 1 : 0;
    knobs.record_pidfds = options.record_pidfds ? 1 : 0;
    knobs.pid_namespace = options.pid_namespace;
    for (const HookChoice* choice : wanted) {
        if (choice->hook()->tell) {
            choice->hook()->tell(knobs);
        }
    }
    return knobs;
}

template <typename Condition>
std::vector<const HookChoice*> those(const std::vector<HookChoice>& choices, Condition&& condition) {
    std::vector<const HookChoice*> chosen;
    for (const HookChoice& choice : choices) {
        if (choice.hook() != nullptr && condition(choice)) {
            chosen.push_back(&choice);
        }
    }
    return chosen;
}

} // namespace

Probe::Programs::Programs(const KernelBtf& btf, const ProbeOptions& options) {
    listen_to_libbpf();
    for (Observable& observable : observables(btf, options)) {
        choices.emplace_back(std::move(observable));
    }
    // Before any is refused: the next start begins like this one.
    pin_name_ = name_pins(knobs_for(those(choices, [](const HookChoice&) { return true; }), options), options);
}

Probe::Programs::~Programs() {
    for (const Attached& attached : links_) {
        // Destroying such a link would disable the event, pinned or not; a disconnected one is not closed by libbpf.
        if (pinned_ && bpf_program__type(attached.program) == BPF_PROG_TYPE_TRACEPOINT) {
            const Fd descriptor(bpf_link__fd(attached.link.get()));
            bpf_link__disconnect(attached.link.get());
        }
    }
    links_.clear();
    knell_bpf::destroy(skeleton);
}

std::vector<bpf_program*> Probe::Programs::programs_of(const HookChoice& choice) const {
    std::vector<bpf_program*> programs;
    if (choice.hook() != nullptr) {
        for (const std::string& name : choice.hook()->programs) {
            programs.push_back(bpf_object__find_program_by_name(skeleton->obj, name.c_str()));
        }
    }
    return programs;
}

Result<> Probe::Programs::open(const std::vector<const HookChoice*>& wanted, const ProbeOptions& options) {
    forget_libbpf_complaints();
    knell_bpf::destroy(skeleton);
    skeleton = knell_bpf::open();
    if (skeleton == nullptr) {
        return system_failure("opening the BPF object", errno, why_libbpf_failed(errno));
    }
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, skeleton->obj) {
        (void)bpf_program__set_autoload(program, false);
    }
    for (const HookChoice* choice : wanted) {
        for (bpf_program* needed : programs_of(*choice)) {
            (void)bpf_program__set_autoload(needed, true);
        }
    }
    const_cast<knell_knobs&>(skeleton->rodata->knobs) = knobs_for(wanted, options);
    if (const int error =
            bpf_map__set_max_entries(skeleton->maps.ring, static_cast<std::uint32_t>(options.ring.size_bytes))) {
        return system_failure("sizing the ring", -error);
    }
    if (const int error = bpf_map__set_max_entries(skeleton->maps.slots, options.slots)) {
        return system_failure("sizing the watch slots", -error);
    }
    return {};
}

Result<> Probe::Programs::load(const std::vector<const HookChoice*>& wanted, const ProbeOptions& options) {
    if (auto opened = open(wanted, options); !opened) {
        return opened;
    }
    forget_libbpf_complaints();
    if (const int error = knell_bpf::load(skeleton)) {
        return system_failure("loading the BPF programs", -error, why_libbpf_failed(-error));
    }
    return {};
}

// libbpf loads all programs of an object or none. When the kernel refuses, each optional feature is tried beside the
// required ones, so that one program that this kernel cannot run costs only its own hook. Each round refuses a hook.
Result<> Probe::Programs::load(const ProbeOptions& options) {
    for (const HookChoice& choice : choices) {
        if (choice.required() && choice.hook() == nullptr) {
            return failure(choice.refusals());
        }
    }
    for (;;) {
        auto loaded = load(those(choices, [](const HookChoice&) { return true; }), options);
        if (loaded) {
            return loaded;
        }
        bool refused = false;
        for (HookChoice& tried : choices) {
            if (tried.required() || programs_of(tried).empty()) {
                continue;
            }
            const auto beside_required = [&tried](const HookChoice& choice) {
                return choice.required() || &choice == &tried;
            };
            if (auto alone = load(those(choices, beside_required), options); !alone) {
                tried.refuse(alone.error().message);
                refused = true;
            }
        }
        if (!refused) {
            return loaded;
        }
    }
}

Result<std::vector<Probe::Programs::Attached>>
Probe::Programs::attach(const Hook& hook, const std::vector<bpf_program*>& programs) const {
    std::vector<Attached> links;
    for (const bpf_program* program : programs) {
        forget_libbpf_complaints();
        links.push_back({program, {bpf_program__attach(program), {}}});
        if (!links.back().link) {
            return system_failure("attaching " + hook.name, errno, why_libbpf_failed(errno));
        }
    }
    return links;
}

Result<> Probe::Programs::attach() {
    for (HookChoice& choice : choices) {
        if (choice.hook() == nullptr) {
            continue;
        }
        auto links = attach(*choice.hook(), programs_of(choice));
        if (links) {
            std::ranges::move(*links, std::back_inserter(links_));
        } else if (choice.required()) {
            return std::unexpected(std::move(links.error()));
        } else {
            choice.give_up(links.error().message); // the programs of its other hooks are not loaded
        }
    }
    return {};
}

} // namespace knell

#include "agent/probe/programs.hpp"

#include "agent/probe/kallsyms.hpp"

#include <cstdarg>
#include <cstdio>
#include <iterator>

namespace knell {
namespace {

// What libbpf last complained about, for the error message; libbpf reports by a process-wide callback.
thread_local std::string libbpf_complaint;

int collect_complaint(libbpf_print_level level, const char* format, va_list arguments) {
    if (level == LIBBPF_WARN) {
        char line[512];
        (void)std::vsnprintf(line, sizeof line, format, arguments);
        libbpf_complaint = line;
        while (!libbpf_complaint.empty() && libbpf_complaint.back() == '\n') {
            libbpf_complaint.pop_back();
        }
    }
    return 0;
}

std::string hint_for(int error) {
    switch (error) {
    case EPERM:
    case EACCES:
        return "needs root, or CAP_BPF and CAP_PERFMON; kernel lockdown, a seccomp profile or a container without them "
               "also refuse it";
    case ENOMEM:
        return "not enough memory in this cgroup for the ring and the watch slots; lower ring.size or watch.capacity";
    default:
        return libbpf_complaint.empty() ? "the kernel's verifier refused it" : libbpf_complaint;
    }
}

// Optional: needed only for the scope of OOM kills.
AddressRange memcg_oom_range() {
    return find_kernel_function("mem_cgroup_out_of_memory").value_or(AddressRange{});
}

// Every tracepoint program of the object, with the variant that this kernel's prototypes call for.
std::vector<ProgramChoice> choose(const KernelBtf& btf, knell_bpf& skeleton) {
    const bool group_dead = btf.tracepoint_arguments("sched_process_exit").value_or(0) >= 2;
    const bool victim_is_task = btf.tracepoint_starts_with_pointer("mark_victim");
    auto& programs = skeleton.progs;
    auto& links = skeleton.links;
    std::vector<ProgramChoice> choices{
        {"exit", "sched_process_exit", group_dead ? "(task, group_dead)" : "(task)",
         group_dead ? programs.exit_group_dead : programs.exit_live_count,
         group_dead ? &links.exit_group_dead : &links.exit_live_count, true, ""},
        {"signal", "signal_generate", "", programs.signal_generate, &links.signal_generate, false, ""},
        {"fork", "task_newtask", "", programs.task_newtask, &links.task_newtask, false, ""},
        {"exec", "sched_process_exec", "", programs.sched_process_exec, &links.sched_process_exec, false, ""},
        {"oom_scope", "mark_victim", victim_is_task ? "(task)" : "(pid)",
         victim_is_task ? programs.mark_victim_task : programs.mark_victim_pid,
         victim_is_task ? &links.mark_victim_task : &links.mark_victim_pid, false, ""},
    };
    for (ProgramChoice& choice : choices) {
        if (!btf.tracepoint_arguments(choice.tracepoint)) {
            choice.program = nullptr;
            choice.why_not = "this kernel has no tracepoint " + choice.tracepoint;
        }
    }
    return choices;
}

} // namespace

Result<> Probe::Programs::open(const KernelBtf& btf, const ProbeOptions& options) {
    libbpf_set_print(collect_complaint);
    knell_bpf::destroy(skeleton);
    skeleton = knell_bpf::open();
    if (skeleton == nullptr) {
        return system_failure("opening the BPF object", errno, libbpf_complaint);
    }
    choices = choose(btf, *skeleton);

    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, skeleton->obj) {
        (void)bpf_program__set_autoload(program, false);
    }
    for (const ProgramChoice& choice : choices) {
        if (choice.program != nullptr) {
            (void)bpf_program__set_autoload(choice.program, true);
        } else if (choice.required) {
            return failure(choice.why_not);
        }
    }

    const AddressRange memcg_oom = memcg_oom_range();
    knell_knobs& knobs = const_cast<knell_knobs&>(skeleton->rodata->knobs);
    knobs.high_water_bytes = options.ring_bytes / 4;
    knobs.late_wakeup_ns = options.late_wakeup;
    knobs.memcg_oom_start = memcg_oom.start;
    knobs.memcg_oom_end = memcg_oom.end;
    knobs.read_cgroup_v1 = options.read_cgroup_v1 ? 1 : 0;
    if (const int error =
            bpf_map__set_max_entries(skeleton->maps.ring, static_cast<std::uint32_t>(options.ring_bytes))) {
        return system_failure("sizing the ring", -error);
    }
    if (const int error = bpf_map__set_max_entries(skeleton->maps.slots, options.slots)) {
        return system_failure("sizing the watch slots", -error);
    }
    return {};
}

// libbpf loads all programs of an object or none. When it refuses, each optional program is tried beside the required
// ones, so that one program that this kernel cannot run costs only its own feature.
Result<> Probe::Programs::load(const KernelBtf& btf, const ProbeOptions& options) {
    libbpf_complaint.clear();
    int error = knell_bpf::load(skeleton);
    if (error == 0) {
        return {};
    }
    std::vector<std::string> refusals(choices.size());
    for (std::size_t tried = 0; tried < choices.size(); ++tried) {
        if (choices[tried].required || choices[tried].program == nullptr) {
            continue;
        }
        if (auto opened = open(btf, options); !opened) {
            return opened;
        }
        for (std::size_t other = 0; other < choices.size(); ++other) {
            if (other != tried && !choices[other].required && choices[other].program != nullptr) {
                (void)bpf_program__set_autoload(choices[other].program, false);
            }
        }
        libbpf_complaint.clear();
        error = knell_bpf::load(skeleton);
        if (error != 0) {
            refusals[tried] = system_failure("loading", -error, hint_for(-error)).error().message;
        }
    }
    if (auto opened = open(btf, options); !opened) {
        return opened;
    }
    for (std::size_t i = 0; i < choices.size(); ++i) {
        if (!refusals[i].empty()) {
            (void)bpf_program__set_autoload(choices[i].program, false);
            choices[i].program = nullptr;
            choices[i].why_not = refusals[i];
        }
    }
    libbpf_complaint.clear();
    error = knell_bpf::load(skeleton);
    if (error != 0) {
        return system_failure("loading the BPF programs", -error, hint_for(-error));
    }
    return {};
}

Result<> Probe::Programs::attach() {
    for (ProgramChoice& choice : choices) {
        if (choice.program == nullptr) {
            continue;
        }
        libbpf_complaint.clear();
        *choice.link = bpf_program__attach(choice.program);
        if (*choice.link != nullptr) {
            continue;
        }
        auto refused = system_failure("attaching " + choice.hook(), errno, hint_for(errno));
        if (choice.required) {
            return refused;
        }
        choice.program = nullptr;
        choice.why_not = refused.error().message;
    }
    return {};
}

} // namespace knell

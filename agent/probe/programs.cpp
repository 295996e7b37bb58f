#include "agent/probe/programs.hpp"

#include "agent/probe/kallsyms.hpp"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <iterator>
#include <string_view>
#include <utility>

namespace knell {
namespace {

// What libbpf last complained about, for the error message; libbpf reports by a process-wide callback.
thread_local std::string libbpf_complaint;
// Why the verifier refused the last program that it refused.
thread_local std::string verifier_verdict;

// libbpf hands over the verifier's log as one message: "...BEGIN PROG LOAD LOG --", a line for each instruction, the
// reason, "processed N insns ...", "-- END PROG LOAD LOG --". The reason is what a person needs.
std::string verdict_in(std::string_view text) {
    const std::size_t statistics = text.rfind("\nprocessed ");
    if (statistics == std::string_view::npos || text.find("PROG LOAD LOG") == std::string_view::npos) {
        return "";
    }
    text = text.substr(0, statistics);
    return std::string(text.substr(text.rfind('\n') + 1)); // npos + 1 == 0: the only line
}

void forget_complaints() {
    libbpf_complaint.clear();
    verifier_verdict.clear();
}

int collect_complaint(libbpf_print_level level, const char* format, va_list arguments) {
    if (level == LIBBPF_WARN) {
        va_list again;
        va_copy(again, arguments);
        const int length = std::vsnprintf(nullptr, 0, format, again);
        va_end(again);
        std::string text(static_cast<std::size_t>(std::max(0, length)), '\0');
        (void)std::vsnprintf(text.data(), text.size() + 1, format, arguments);
        while (!text.empty() && text.back() == '\n') {
            text.pop_back();
        }
        if (std::string verdict = verdict_in(text); !verdict.empty()) {
            verifier_verdict = std::move(verdict);
        }
        libbpf_complaint = std::move(text);
    }
    return 0;
}

std::string hint_for(int error) {
    if (!verifier_verdict.empty()) { // its EACCES is about the program, not about rights
        return "the kernel's verifier refused it: " + verifier_verdict;
    }
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

    const auto memcg_oom = find_kernel_function("mem_cgroup_out_of_memory");
    for (ProgramChoice& choice : choices) {
        if (choice.feature == "oom_scope" && !memcg_oom) {
            choice.why_not = "the scope stays unknown: " + memcg_oom.error().message;
        }
    }
    knell_knobs& knobs = const_cast<knell_knobs&>(skeleton->rodata->knobs);
    knobs.high_water_bytes = options.ring_bytes / 4;
    knobs.late_wakeup_ns = options.late_wakeup;
    knobs.memcg_oom_start = memcg_oom ? memcg_oom->start : 0;
    knobs.memcg_oom_end = memcg_oom ? memcg_oom->end : 0;
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
    forget_complaints();
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
        forget_complaints();
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
    forget_complaints();
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
        forget_complaints();
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

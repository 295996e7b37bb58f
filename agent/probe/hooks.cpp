#include "agent/probe/hooks.hpp"

#include "agent/base/file.hpp"
#include "agent/probe/kallsyms.hpp"
#include "agent/probe/trampoline.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <string_view>
#include <utility>

namespace knell {
namespace {

knell_code_range code_range(const AddressRange& range) {
    return {range.start, range.end};
}

// A program that the tracepoint calls with its arguments.
Hook tracepoint(const KernelBtf& btf, const std::string& name, const std::string& arguments = "",
                const std::string& program = "") {
    Hook hook;
    hook.name = "tp_btf/" + name + arguments;
    hook.programs = {program.empty() ? name : program};
    hook.probe = [&btf, name]() -> Result<> {
        return btf.tracepoint_arguments(name) ? Result<>() : failure("this kernel has no tracepoint " + name);
    };
    return hook;
}

Hook exit_hook(const KernelBtf& btf) {
    return btf.tracepoint_arguments("sched_process_exit").value_or(0) >= 2
               ? tracepoint(btf, "sched_process_exit", "(task, group_dead)", "exit_group_dead")
               : tracepoint(btf, "sched_process_exit", "(task)", "exit_live_count");
}

Hook oom_kill_hook(const KernelBtf& btf) {
    Hook hook;
    hook.name = "fentry/oom_kill_process";
    hook.programs = {"oom_kill_begins", "oom_kill_ends"};
    hook.probe = [&btf] { return try_trampoline(btf, Trampoline::at_exit, "oom_kill_process"); };
    return hook;
}

// No program of its own: the one for signals looks at its stack.
Hook oom_stack_hook() {
    static constexpr std::array<std::string_view, 3> kFunctions = {"out_of_memory", "oom_kill_process",
                                                                   "mem_cgroup_out_of_memory"};
    static_assert(KNELL_OOM_KILLER_RANGES == 2);
    auto ranges = std::make_shared<std::vector<AddressRange>>();
    Hook hook;
    hook.name = "tp_btf/signal_generate, its stack";
    hook.probe = [ranges]() -> Result<> {
        auto found = find_kernel_symbols(kFunctions);
        if (!found) {
            return std::unexpected(std::move(found.error()));
        }
        *ranges = std::move(*found);
        return {};
    };
    hook.tell = [ranges](knell_knobs& knobs) {
        knobs.oom_killer[0] = code_range((*ranges)[0]);
        knobs.oom_killer[1] = code_range((*ranges)[1]);
        knobs.memcg_oom = code_range((*ranges)[2]);
    };
    return hook;
}

void observe_pidfds(knell_knobs& knobs) {
    knobs.observe_pidfds = 1;
}

Hook pidfd_function_hook(const KernelBtf& btf, const std::string& function) {
    return {"fexit/" + function,
            {function},
            [&btf, function] { return try_trampoline(btf, Trampoline::at_exit, function); },
            observe_pidfds};
}

// The kernel lets a program attach to a security hook even where it will never call it.
Result<> calls_bpf_security_hooks() {
    const auto modules = read_small_file(AT_FDCWD, "/sys/kernel/security/lsm", 4096);
    if (!modules) {
        return failure_in("whether BPF is among the security modules is not known (mount -t securityfs securityfs "
                          "/sys/kernel/security)",
                          modules.error());
    }
    return ("," + *modules + ",").find(",bpf,") != std::string::npos
               ? Result<>()
               : failure("BPF is not among the security modules (the kernel's command line: lsm=...,bpf)");
}

Hook pidfd_security_hook(const KernelBtf& btf) {
    Hook hook{"lsm/file_open", {"pidfs_file_open"}, {}, observe_pidfds};
    hook.probe = [&btf]() -> Result<> {
        if (!btf.has_pidfs()) {
            return failure("pidfds have no file system before Linux 6.9");
        }
        if (auto called = calls_bpf_security_hooks(); !called) {
            return called;
        }
        return try_trampoline(btf, Trampoline::security_hook, "file_open");
    };
    return hook;
}

Hook pidfd_syscall_hook() {
    Hook hook{"tp/syscalls/sys_exit_pidfd_open", {"sys_exit_pidfd_open"}, {}, observe_pidfds};
    hook.probe = []() -> Result<> {
        // Where libbpf looks for the tracepoint's number.
        const std::string tracefs = "/sys/kernel/tracing";
        const std::string debugfs = "/sys/kernel/debug/tracing";
        const std::string events = may_access(debugfs, F_OK) ? debugfs : tracefs;
        if (!may_access(events + "/events", F_OK)) {
            return system_failure("looking for tracepoints in " + events, errno, "mount -t tracefs tracefs " + tracefs);
        }
        const std::string id = events + "/events/syscalls/sys_exit_pidfd_open/id";
        return may_access(id, R_OK)
                   ? Result<>()
                   : Result<>(system_failure("reading " + id, errno, "the kernel needs CONFIG_FTRACE_SYSCALLS=y"));
    };
    return hook;
}

} // namespace

std::vector<Observable> observables(const KernelBtf& btf, const ProbeOptions& options) {
    std::vector<Observable> all{
        {"exit", true, {exit_hook(btf)}},
        {"signal", false, {tracepoint(btf, "signal_generate")}},
        {"fork", false, {tracepoint(btf, "task_newtask")}},
        {"exec", false, {tracepoint(btf, "sched_process_exec")}},
        {"oom_scope", false, {oom_kill_hook(btf), oom_stack_hook()}},
    };
    if (options.pidfd_creation) {
        all.push_back({"pidfd_creation",
                       false,
                       {pidfd_function_hook(btf, "pidfs_alloc_file"), pidfd_function_hook(btf, "pidfd_prepare"),
                        pidfd_security_hook(btf), pidfd_syscall_hook()}});
    }
    return all;
}

HookChoice::HookChoice(Observable observable) : observable_(std::move(observable)) {
    skip_absent();
}

const Hook* HookChoice::hook() const {
    return current_ < observable_.hooks.size() ? &observable_.hooks[current_] : nullptr;
}

void HookChoice::refuse(const std::string& why) {
    note(why);
    ++current_;
    skip_absent();
}

void HookChoice::give_up(const std::string& why) {
    note(why);
    current_ = observable_.hooks.size();
}

void HookChoice::note(const std::string& why) {
    if (!refusals_.empty() && refusals_.back().why == why) {
        refusals_.back().hooks += ", " + hook()->name;
    } else {
        refusals_.push_back({hook()->name, why});
    }
}

std::string HookChoice::refusals() const {
    std::string text;
    for (const Refusal& refusal : refusals_) {
        text += (text.empty() ? "" : "; ") + refusal.hooks + ": " + refusal.why;
    }
    return text;
}

void HookChoice::skip_absent() {
    for (; hook() != nullptr; ++current_) {
        const auto here = hook()->probe();
        if (here) {
            return;
        }
        note(here.error().message);
    }
}

} // namespace knell

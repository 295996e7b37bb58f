#include "tests/bpf/battery_rows.hpp"

#include <algorithm>
#include <iterator>

namespace knell::test {
namespace {

constexpr int exited(int code) {
    return code << 8;
}

using By = KillerClass;

std::vector<Row> normal_exits() {
    using enum Reason;
    return {
        {"exit_0", ends({"exit", "0"}), success, exited(0)},
        {"exit_7", ends({"exit", "7"}), error, exited(7)},
        {"exit_137", ends({"exit", "137"}), error, exited(137)}, // nobody killed it
        {"exit_of_the_only_thread", ends({"sys-exit", "6"}), error, exited(6)},
        {"exit_group_by_a_thread", ends({"thread-exit-group", "77"}), error, exited(77)},
        {"exit_group_by_one_of_20_threads", ends({"thread-exit-group", "78", "20"}), error, exited(78)},
        {"leader_thread_leaves_first", ends({"leader-first", "5", "9"}), error, exited(9)}, // the leader's 5 before 6.1
        {"two_threads_leave_at_once", ends({"double-exit", "3"}), error, exited(3)},
        {"exec_by_a_thread", executed_by_a_thread, error, exited(8)},
        {"exec_after_the_leader_left", ends({"leader-first-exec", die_path(), "exit", "8"}), error, exited(8)},
        {"vfork_child", child_ends({"vfork-child", "4"}), error, exited(4)},
        {"vfork_child_finds_no_program", child_ends({"vfork-exec", "/nonexistent"}), error, exited(127)},
        {"reaped_by_the_kernel", child_ends({"autoreap", "5"}), error, exited(5)},
        {"other_user", other_user_ends, success, exited(0)},
    };
}

std::vector<Row> stop_requests() {
    using enum Reason;
    const Act exec_after_sigterm = killed({"term-then-exec-thread", die_path(), "exit", "8"}, {SIGTERM});
    const Act sigquit_handled = killed({"handle", "QUIT", "0"}, {SIGQUIT});
    const Act sigwinch_handled = killed({"handle", "WINCH", "0"}, {SIGWINCH}); // harmless to all others
    const Act sigterm_handled = killed({"handle", "TERM", "0"}, {SIGTERM});
    const Act sigterm_ignored = killed({"term-ignore"}, {SIGTERM, SIGKILL});
    const Act blocked = killed({"block-term-then-unblock"}, {SIGTERM});
    return {
        {"sigterm_handled_then_0", sigterm_handled, success, exited(0), {}, {}, SIGTERM},
        {"sigterm_handled_then_3", killed({"handle", "TERM", "3"}, {SIGTERM}), error, exited(3), {}, {}, SIGTERM},
        {"sigterm_handled_then_exec", exec_after_sigterm, error, exited(8), {}, {}, SIGTERM},
        {"sigterm_ignored_then_killed", sigterm_ignored, signal, SIGKILL, By::parent, Blame::test, SIGTERM},
        {"sigterm_ignored_then_killed_by_sibling", asked_then_killed_by_sibling, signal, SIGKILL, By::host,
         Blame::helper, SIGTERM},
        {"sigterm_to_a_namespaces_init_then_sigkill", namespace_init_stopped, signal, SIGKILL, By::host, Blame::test,
         SIGTERM},
        // Whoever asked ended it, not its own hand.
        {"sigterm_handled_then_raised", killed({"handle-then-raise", "TERM"}, {SIGTERM}), signal, SIGTERM, By::parent,
         Blame::test},
        {"sigterm_blocked_then_unblocked", blocked, signal, SIGTERM, By::parent, Blame::test},
        {"sigquit_configured_and_handled", sigquit_handled, success, exited(0), {}, {}, SIGQUIT, {}, {SIGQUIT}},
        {"sigwinch_configured_and_handled", sigwinch_handled, success, exited(0), {}, {}, SIGWINCH, {}, {SIGWINCH}},
        {"sigquit_not_configured", sigquit_handled, success, exited(0)},
        {"sigterm_not_configured", sigterm_handled, success, exited(0), {}, {}, 0, {}, {SIGQUIT}},
    };
}

std::vector<Row> signals_by_others() {
    using enum Reason;
    const Act sleeper_gets_core_signal = killed({"sleep"}, {SIGSEGV});
    std::vector<Row> rows = {
        {"sigkill_by_parent", killed({"sleep"}, {SIGKILL}), signal, SIGKILL, By::parent, Blame::test},
        {"sigterm_by_parent", killed({"sleep"}, {SIGTERM}), signal, SIGTERM, By::parent, Blame::test},
        {"sighup_by_parent", killed({"sleep"}, {SIGHUP}), signal, SIGHUP, By::parent, Blame::test},
        {"real_time_signal_by_parent", killed({"sleep"}, {40}), signal, 40, By::parent, Blame::test},
        {"sigquit_by_parent", killed({"sleep"}, {SIGQUIT}), signal, SIGQUIT, By::parent, Blame::test},
        {"sigsegv_by_parent", sleeper_gets_core_signal, signal, SIGSEGV, By::parent, Blame::test},
        {"sigkill_by_parent_of_20_threads", killed({"threads", "19"}, {SIGKILL}), signal, SIGKILL, By::parent,
         Blame::test},
        {"hostile_name", renamed_killed, signal, SIGKILL, By::parent, Blame::test},
        {"stopped_then_killed", killed({"sleep"}, {SIGSTOP, SIGKILL}), signal, SIGKILL, By::parent, Blame::test},
        {"process_group_by_parent", process_group_killed, signal, SIGKILL, By::parent, Blame::test},
        {"process_group_by_sibling", process_group_killed_by_sibling("TERM", "kill"), signal, SIGTERM, By::host,
         Blame::helper},
        {"sigkill_by_sibling", killed_by_sibling("KILL", "kill"), signal, SIGKILL, By::host, Blame::helper},
        {"sigterm_by_sibling", killed_by_sibling("TERM", "kill"), signal, SIGTERM, By::host, Blame::helper},
        {"tgkill_by_sibling", killed_by_sibling("TERM", "tgkill"), signal, SIGTERM, By::host, Blame::helper},
        {"tgkill_of_a_thread_by_sibling", thread_killed_by_sibling, signal, SIGTERM, By::host, Blame::helper},
        {"sigqueue_by_sibling", killed_by_sibling("USR1", "sigqueue"), signal, SIGUSR1, By::host, Blame::helper},
        {"sigqueue_of_a_real_time_signal", killed_by_sibling("40", "sigqueue"), signal, 40, By::host, Blame::helper},
        {"pidfd_send_signal_by_sibling", killed_by_sibling("KILL", "pidfd"), signal, SIGKILL, By::host, Blame::helper},
        {"sigkill_by_child", killed_by_its_child, signal, SIGKILL, By::child, Blame::helper},
        {"sigkill_at_birth", killed_at_birth, signal, SIGKILL, By::parent, Blame::helper},
        {"killed_by_a_tracer", killed_by_a_tracer, signal, SIGKILL, By::host, Blame::helper},
        {"tracer_ends_with_exitkill", killed_by_a_tracers_end, signal, SIGKILL, By::host, Blame::helper},
        {"cgroup_kill_by_parent", cgroup_killed, cgroup_kill, SIGKILL, By::parent, Blame::test},
        {"parent_death_sigkill", orphaned("KILL"), parent_death, SIGKILL, By::parent, Blame::helper},
        {"parent_death_sigusr1", orphaned("USR1"), parent_death, SIGUSR1, By::parent, Blame::helper},
        {"parent_thread_death", orphaned_by_a_thread("KILL"), parent_death, SIGKILL, By::parent, Blame::helper},
    };
    if (pidfds_signal_groups()) {
        rows.push_back({"process_group_through_its_leaders_pidfd",
                        process_group_killed_by_sibling("KILL", "pidfd-group"), signal, SIGKILL, By::host,
                        Blame::helper});
    }
    return rows;
}

std::vector<Row> killers() {
    using enum Reason;
    using enum Home;
    const auto by = [](std::string name, Sibling sibling, Home victim, KillerClass kind) {
        return Row{std::move(name), killed_by(std::move(sibling), victim), signal, SIGKILL, kind, Blame::helper};
    };
    return {
        by("user_kills_their_own", {.uid = 65534}, host, By::host),
        by("host_kills_in_a_container", {}, container, By::host),
        by("container_kills_itself", {.home = container}, container, By::same_container),
        by("container_kills_another", {.home = other_container}, container, By::other_container),
        by("container_kills_on_the_host", {.home = container}, host, By::other_container),
        by("kubelet", {.exe = "kubelet"}, container, By::container_runtime),
        by("containerds_shim", {.exe = "containerd-shim-runc-v2"}, container, By::container_runtime),
        by("earlyoom", {.exe = "earlyoom"}, container, By::oom_daemon),
        by("calls_itself_kubelet", {.comm = "kubelet"}, container, By::host),
        by("calls_itself_runc", {.comm = "runc"}, host, By::host),
        by("kubelet_renamed", {.exe = "kubelet", .comm = "innocent"}, container, By::container_runtime),
        by("kubelet_of_a_user", {.exe = "kubelet", .uid = 65534}, container, By::host),
        by("runc_in_a_container", {.exe = "runc", .home = other_container}, container, By::other_container),
        {"cgroup_kill_by_the_host", cgroup_killed_by({}), cgroup_kill, SIGKILL, By::host, Blame::helper},
        {"cgroup_kill_by_another_container", cgroup_killed_by({.home = other_container}), cgroup_kill, SIGKILL,
         By::other_container, Blame::helper},
        {"cgroup_kill_by_the_runtime", cgroup_killed_by({.exe = "runc"}), cgroup_kill, SIGKILL, By::container_runtime,
         Blame::helper},
    };
}

std::vector<Row> own_doing() {
    using enum Reason;
    return {
        {"kill_itself", ends({"kill-self", "KILL"}), signal, SIGKILL, By::self, Blame::victim},
        {"raise", ends({"raise", "USR1"}), signal, SIGUSR1, By::self, Blame::victim},
        {"pipe_without_reader", ends({"pipe"}), signal, SIGPIPE, By::self, Blame::victim},
        {"socket_without_other_end", ends({"pipe-socket"}), signal, SIGPIPE, By::self, Blame::victim},
        {"file_size_limit", ends({"xfsz"}), signal, SIGXFSZ, By::self, Blame::victim},
        {"abort", ends({"abort"}), crash, SIGABRT, By::self, Blame::victim},
        {"raise_sigsys", ends({"raise", "SYS"}), crash, SIGSYS, By::self, Blame::victim},
        {"segmentation_fault", ends({"segv"}), crash, SIGSEGV, By::self, Blame::victim},
        {"segmentation_fault_in_a_thread", ends({"segv-thread"}), crash, SIGSEGV, By::self, Blame::victim},
        {"segmentation_fault_with_core", core_dumped, crash, SIGSEGV | kCoreDumped, By::self, Blame::victim},
        {"bus_error", ends({"bus"}), crash, SIGBUS, By::self, Blame::victim},
        {"division_by_zero", ends({"fpe"}), crash, SIGFPE, By::self, Blame::victim},
        {"illegal_instruction", ends({"ill"}), crash, SIGILL, By::self, Blame::victim},
        {"breakpoint", ends({"trap"}), crash, SIGTRAP, By::self, Blame::victim},
    };
}

std::vector<Row> kernels_doing() {
    using enum Reason;
    return {
        {"alarm", ends({"alarm"}), signal, SIGALRM, By::kernel},
        {"posix_timer", ends({"timer"}), signal, SIGUSR1, By::kernel},
        {"input_output_signal", ends({"sigio"}), signal, SIGIO, By::kernel},
        {"interrupt_key_of_a_terminal", child_ends({"tty", "interrupt"}), signal, SIGINT, By::kernel},
        {"hangup_of_a_terminal", child_ends({"tty", "hangup"}), signal, SIGHUP, By::kernel},
        {"cpu_time_limit", ends({"xcpu"}), signal, SIGXCPU, By::kernel},
        {"hard_cpu_time_limit", ends({"xcpu-hard"}), signal, SIGKILL, By::kernel},
        {"seccomp_kill_process", ends({"sigsys-seccomp"}), seccomp, SIGSYS, By::kernel},
        {"seccomp_kill_thread", ends({"sigsys-seccomp-thread"}), seccomp, SIGSYS, By::kernel},
        // do_exit(SIGKILL) in __secure_computing_strict(): there is no signal.
        {"seccomp_strict", ends({"seccomp-strict"}), signal, SIGKILL, By::unknown},
    };
}

std::vector<Row> namespaces() {
    using enum Reason;
    Row reboot{"reboot_in_a_namespace", namespace_reboots, signal, SIGKILL, By::kernel};
    // zap_pid_ns_processes() overwrites the status once the namespace is empty, after the exit was recorded.
    reboot.parent_sees = SIGHUP;
    return {
        {"init_of_a_namespace_exits", child_ends({"pidns-init", "3"}), error, exited(3)},
        {"namespace_ends", namespace_ends, pidns_teardown, SIGKILL, By::kernel, Blame::helper},
        {"outer_namespace_ends_for_an_inner_init", outer_namespace_ends(true), pidns_teardown, SIGKILL, By::kernel,
         Blame::helper},
        {"outer_namespace_ends_for_an_inner_process", outer_namespace_ends(false), pidns_teardown, SIGKILL, By::kernel,
         Blame::helper},
        {"sigkill_from_an_outer_namespace", killed_from_outer_namespace, signal, SIGKILL, By::host, Blame::helper},
        {"sigkill_within_a_namespace", killed_in_namespace, signal, SIGKILL, By::host, Blame::helper},
        reboot,
    };
}

std::vector<Row> out_of_memory_rows() {
    const auto oom = [](std::string name, Act act) {
        return Row{std::move(name), std::move(act), Reason::oom_kill, SIGKILL, By::kernel, Blame::nobody, 0,
                   OomScope::memcg};
    };
    std::vector<Row> rows = {
        oom("oom_in_a_memory_cgroup", out_of_memory({"eat-memory", "64"})),
        oom("oom_of_a_child", child_out_of_memory),
        // One of the two is the OOM killer's choice, the other dies with it.
        oom("oom_with_shared_memory_of_one", sharing_out_of_memory(false)),
        oom("oom_with_shared_memory_of_the_other", sharing_out_of_memory(true)),
    };
    if (TestCgroup::unified_limits_memory()) {
        rows.push_back(oom("oom_of_a_group", group_out_of_memory));
    }
    return rows;
}

} // namespace

std::vector<Row> battery_rows() {
    std::vector<Row> rows;
    for (const auto& group : {normal_exits(), stop_requests(), signals_by_others(), killers(), own_doing(),
                              kernels_doing(), namespaces(), out_of_memory_rows()}) {
        std::ranges::copy(group, std::back_inserter(rows));
    }
    return rows;
}

} // namespace knell::test

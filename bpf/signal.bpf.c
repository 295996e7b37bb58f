// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Who killed it, and when the world was told.
 *
 * __send_signal_locked() -> complete_signal() -> trace_signal_generate(), with the target's siglock held and, for
 * signals sent by a system call, the sender as `current`. Why not signal_deliver: there every group-fatal signal shows
 * as SIGKILL without a sender, because get_signal() short-circuits on SIGNAL_GROUP_EXIT.
 *
 * Runs for every signal of the node, one SIGCHLD for each exit included, so it leaves early. It misses signals that are
 * raised without being generated: exit_group() and exec zapping sibling threads, which kill no process.
 */
#include "bpf/maps.bpf.h"
#include "bpf/oom.bpf.h"
#include "bpf/process.bpf.h"

#define SIGKILL 9
#define SIGCHLD 17
#define BIT(signal) (1ULL << ((signal) - 1))

/* Default action "ignore" or "stop" or "continue": CHLD CONT STOP TSTP TTIN TTOU URG WINCH (include/linux/signal.h). */
#define HARMLESS (BIT(17) | BIT(18) | BIT(19) | BIT(20) | BIT(21) | BIT(22) | BIT(23) | BIT(28))

/*
 * exit_notify() wakes the pidfd's pollers, then sends the parent's SIGCHLD a few hundred nanoseconds later in the same
 * critical section: the stamp of "the world was told". Absent when the parent ignores SIGCHLD explicitly. Before that,
 * a dying process hands its own zombies to a reaper, which also sends SIGCHLD in its name: exit_state is set in
 * between.
 */
static __always_inline void stamp_notify(struct task_struct* dying) {
    struct knell_slot* slot = slot_of(dying->group_leader);
    /* Only the first after the process's end counts. */
    if (slot && slot->exit_ns && !slot->notify_ns) {
        slot->notify_ns = bpf_ktime_get_ns();
    }
}

/* The disposition; 0 = SIG_DFL. By hand because bpf/kernel.h's k_sigaction is not the kernel's size. */
static __always_inline u64 signal_handler(struct task_struct* task, int signal) {
    u64 handler = 0;
    const void* action = element(&task->sighand->action, signal - 1, bpf_core_type_size(struct k_sigaction));

    action += bpf_core_field_offset(struct k_sigaction, sa);
    action += bpf_core_field_offset(struct sigaction, sa_handler);
    bpf_probe_read_kernel(&handler, sizeof(handler), action);
    return handler;
}

/*
 * Whether the task's process is the init of a pid namespace: number 1 in the innermost namespace it is in. Not
 * SIGNAL_UNKILLABLE: do_group_exit() has overwritten the flags when a dying init kills its namespace.
 */
static __always_inline _Bool is_namespace_init(struct task_struct* leader) {
    struct pid* pid = leader->thread_pid;

    return pid->level != 0 && BPF_CORE_READ(number_at(pid, pid->level), nr) == 1;
}

static __always_inline u32 sender_flags(struct task_struct* sender, struct task_struct* target) {
    u32 flags = 0;
    if (sender->tgid == target->tgid) {
        flags |= KNELL_SENDER_SELF;
    }
    if (target->group_leader->real_parent->tgid == sender->tgid) {
        flags |= KNELL_SENDER_PARENT;
    }
    if (sender->group_leader->real_parent->tgid == target->tgid) {
        flags |= KNELL_SENDER_CHILD;
    }
    if (sender->flags & PF_EXITING) {
        flags |= KNELL_SENDER_EXITING;
    }
    if (is_namespace_init(sender->group_leader)) {
        flags |= KNELL_SENDER_INIT;
    }
    if (sender->flags & PF_KTHREAD) {
        flags |= KNELL_SENDER_KTHREAD;
    }
    return flags;
}

/* The arguments of the tracepoint. */
struct generated {
    const u64* ctx;
    int number;
    struct task_struct* target;
    int group;
};

/*
 * The siginfo, or one of SEND_SIG_*. From the memory of the arguments, because of the argument itself kernels know
 * better: 6.18 that it is never NULL (it removes the branch for SEND_SIG_NOINFO), 6.12.y that it may be no pointer (and
 * refuses to follow it).
 */
static __always_inline u64 siginfo_of(const struct generated* signal) {
    u64 info = SEND_SIG_NOINFO;
    bpf_probe_read_kernel(&info, sizeof(info), &signal->ctx[1]);
    return info;
}

static __always_inline void record_signal(struct knell_signal* out, const struct generated* signal, _Bool decisive,
                                          u64 now) {
    struct task_struct* sender = bpf_get_current_task_btf();
    struct css_set* cgroups = sender->cgroups;
    const u64 info = siginfo_of(signal);
    int code = 0;

    if (info > SEND_SIG_PRIV) {
        code = BPF_CORE_READ((struct kernel_siginfo*)info, si_code);
    }
    out->time_ns = now;
    out->cgroup_id = cgroups->dfl_cgrp->kn->id;
    out->cgroup_v1_id = cgroup_v1_id(cgroups);
    out->sender_pid = number_of_process(sender);
    out->sender_uid = sender->cred->uid.val;
    out->si_code = code;
    out->sender_flags = sender_flags(sender, signal->target);
    out->number = signal->number;
    out->siginfo = info == SEND_SIG_NOINFO ? KNELL_SIGINFO_NOINFO
                   : info == SEND_SIG_PRIV ? KNELL_SIGINFO_PRIV
                                           : KNELL_SIGINFO_VALUE;
    out->group = signal->group != 0;
    out->decisive = decisive;
    out->flags = info == SEND_SIG_PRIV && signal->number == SIGKILL ? oom_flags((void*)signal->ctx, sender) : 0;
    bpf_probe_read_kernel(out->sender_comm, sizeof(out->sender_comm), sender->group_leader->comm);
    read_exe(out->sender_exe, sender);
}

/*
 * A process that ignores a stop request was asked to stop all the same, and the SIGKILL that follows is the answer to
 * it. The init of a pid namespace ignores it unless it has a handler (sig_task_ignored()): that is what a container
 * without one does at its end. A process that is dying already ignores everything (prepare_signal()).
 */
static __always_inline _Bool is_ignored_request(_Bool stop_request, int result, struct signal_struct* signal) {
    return stop_request && result == TRACE_SIGNAL_IGNORED && !(signal->flags & SIGNAL_GROUP_EXIT);
}

/*
 * A process that handles its stop request, cleans up, restores the default and raises the signal again dies of it by
 * its own hand (glibc's manual, "Handlers That Terminate the Process"). Who asked first is who ended it.
 */
static __always_inline _Bool is_raised_again(const struct process_mark* mark, const struct generated* signal) {
    struct task_struct* sender = bpf_get_current_task_btf();

    return (u32)signal->number == mark->stop_signal && signal->number == mark->fatal.number &&
           sender->tgid == signal->target->tgid;
}

/* Notes the signal on the process it was sent to. `fatal`: it may be what the process dies of. */
static __always_inline void mark_process(const struct generated* signal, _Bool stop_request, _Bool fatal,
                                         _Bool decisive) {
    struct process_mark* mark = make_mark(signal->target->group_leader);
    u64 now = bpf_ktime_get_ns();

    if (!mark) {
        count(KNELL_COUNTER_MARKS_FAILED);
        return;
    }
    if (stop_request && !mark->stop_request_ns) {
        mark->stop_request_ns = now;
        mark->stop_signal = signal->number;
    }
    if (!fatal) {
        return;
    }
    count(KNELL_COUNTER_SIGNALS);
    /* A later decisive signal replaces an earlier one (SIGKILL during a core dump); nothing else replaces a decisive
     * one. */
    if ((decisive || !mark->fatal.decisive) && !is_raised_again(mark, signal)) {
        record_signal(&mark->fatal, signal, decisive, now);
    }
}

SEC("tp_btf/signal_generate")
int BPF_PROG(signal_generate, int number, struct kernel_siginfo* info, struct task_struct* target, int group,
             int result) {
    struct signal_struct* signal = target->signal;
    _Bool stop_request;
    _Bool decisive;
    _Bool fatal;

    if (number == SIGCHLD) {
        struct task_struct* sender = bpf_get_current_task_btf();
        if (sender->exit_state) {
            stamp_notify(sender);
        }
        return 0;
    }
    if (number < 1 || number > 64) {
        return 0;
    }
    stop_request = (knobs.stop_signals & BIT(number)) != 0;
    fatal = !(HARMLESS & BIT(number));
    if (!fatal && !stop_request) {
        return 0;
    }
    if (!number_of_process(target)) {
        return 0; /* nobody will tell of its death */
    }
    if (is_ignored_request(stop_request, result, signal)) {
        fatal = 0;
    } else if (result != TRACE_SIGNAL_DELIVERED && result != TRACE_SIGNAL_LOSE_INFO) {
        return 0;
    }
    /* For all but core-dumping signals complete_signal() has already marked the group as dying of this signal. */
    decisive = (signal->flags & SIGNAL_GROUP_EXIT) && signal->group_exit_code == number;
    if (!decisive && !stop_request && signal_handler(target, number) != 0) {
        return 0; /* the process handles it */
    }
    mark_process(&(struct generated){ctx, number, target, group}, stop_request, fatal, decisive);
    return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The OOM killer at work: from the entry of oom_kill_process() to its exit, the task that ran out of memory sends the
 * signals of a kill, see oom.bpf.h. Its argument says whose limit was hit.
 *
 * Why not the tracepoint mark_victim: it comes after the signal, and only for the victim itself.
 */
#include "bpf/oom.bpf.h"

SEC("fentry/oom_kill_process")
int BPF_PROG(oom_kill_begins, struct oom_control* control) {
    struct task_struct* killer = bpf_get_current_task_btf();

    oom_kill_flags = KNELL_SIGNAL_OOM | (control->memcg ? KNELL_SIGNAL_OOM_MEMCG : KNELL_SIGNAL_OOM_SYSTEM);
    oom_kill_tid = killer->pid;
    return 0;
}

SEC("fexit/oom_kill_process")
int BPF_PROG(oom_kill_ends) {
    oom_kill_tid = 0;
    return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

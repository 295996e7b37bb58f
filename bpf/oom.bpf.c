// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The scope of an OOM kill. That a process was the victim is read at its exit (signal_struct.oom_mm); which limit was
 * hit is only known here: mark_oom_victim() -> trace_mark_victim() runs below mem_cgroup_out_of_memory() for a memory
 * cgroup and not below it for the whole machine, and the kernel stack says which.
 *
 * The tracepoint took a pid before 6.8 and takes the task since (6.1 has it backported): chosen from BTF. The pid is
 * the victim's thread that still has the memory; where that is not the leader, the scope stays unknown on old kernels.
 */
#include "bpf/maps.bpf.h"

#define STACK_DEPTH 24

static __always_inline void remember_scope(void* ctx, u32 pid) {
    u64 stack[STACK_DEPTH] = {};
    u32 scope = KNELL_EXIT_OOM_SYSTEM;
    int i;

    if (!knobs.memcg_oom_start || bpf_get_stack(ctx, stack, sizeof(stack), 0) <= 0) {
        return; /* not known */
    }
    for (i = 0; i < STACK_DEPTH; i++) {
        if (stack[i] >= knobs.memcg_oom_start && stack[i] < knobs.memcg_oom_end) {
            scope = KNELL_EXIT_OOM_MEMCG;
        }
    }
    bpf_map_update_elem(&oom_scopes, &pid, &scope, BPF_ANY);
}

SEC("tp_btf/mark_victim")
int BPF_PROG(mark_victim_task, struct task_struct* task) {
    remember_scope(ctx, task->tgid);
    return 0;
}

SEC("tp_btf/mark_victim")
int BPF_PROG(mark_victim_pid, int pid) {
    remember_scope(ctx, pid);
    return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

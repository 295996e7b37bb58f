/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which signals the OOM killer sent, and for which limit. Every process that it kills gets SIGKILL with SEND_SIG_PRIV
 * from __oom_kill_process(): the victim, those that share its memory without being its threads (only the victim is
 * marked: signal_struct.oom_mm), and with memory.oom.group each member of the group. Others send PRIV too (a dying pid
 * namespace, a dying tracer), and `current` is whoever ran out of memory: neither tells. Two ways do, both below:
 *
 * - oom.bpf.c has programs at both ends of oom_kill_process(). Exact, but needs trampolines.
 * - The kernel stack of the signal. Needs readable addresses in /proc/kallsyms.
 */
#ifndef KNELL_OOM_BPF_H
#define KNELL_OOM_BPF_H

#include "bpf/knobs.bpf.h"

/*
 * The kill that is going on. One is enough: all three callers of out_of_memory() hold the mutex oom_lock. Not task
 * storage, whose memory would have to be found in the worst moment.
 */
knell_u32 oom_kill_tid __weak = 0;   /* who is in oom_kill_process(); 0 = nobody */
knell_u32 oom_kill_flags __weak = 0; /* enum knell_signal_flag */

#define OOM_STACK_DEPTH 24

static __always_inline _Bool in_range(u64 address, const volatile struct knell_code_range* range) {
    return address >= range->start && address < range->end;
}

static __always_inline u32 oom_flags_by_stack(void* ctx) {
    u64 stack[OOM_STACK_DEPTH] = {};
    _Bool oom = 0;
    _Bool memcg = 0;
    int i;

    if (bpf_get_stack(ctx, stack, sizeof(stack), 0) <= 0) {
        return 0;
    }
    for (i = 0; i < OOM_STACK_DEPTH; i++) {
        oom |= in_range(stack[i], &knobs.oom_killer[0]) || in_range(stack[i], &knobs.oom_killer[1]);
        memcg |= in_range(stack[i], &knobs.memcg_oom);
    }
    if (!oom) {
        return 0;
    }
    if (!knobs.memcg_oom.start) {
        return KNELL_SIGNAL_OOM;
    }
    return KNELL_SIGNAL_OOM | (memcg ? KNELL_SIGNAL_OOM_MEMCG : KNELL_SIGNAL_OOM_SYSTEM);
}

/* For a SIGKILL with SEND_SIG_PRIV that is being generated: enum knell_signal_flag. */
static __always_inline u32 oom_flags(void* ctx, struct task_struct* sender) {
    if (oom_kill_tid == (u32)sender->pid) {
        return oom_kill_flags;
    }
    return knobs.oom_killer[0].start || knobs.oom_killer[1].start ? oom_flags_by_stack(ctx) : 0;
}

#endif

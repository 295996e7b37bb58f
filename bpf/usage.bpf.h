/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a process used up, read when its last thread exits: what the parent will find in wait4()'s rusage. */
#ifndef KNELL_USAGE_BPF_H
#define KNELL_USAGE_BPF_H

#include "bpf/knobs.bpf.h"

/*
 * A thread counts itself into signal_struct when it is released, a little after its exit's tracepoint. In a process
 * that is killed as a whole, as many threads as the machine has CPUs can be in between.
 */
#define MAX_UNRELEASED 128

struct usage {
    u64 user_ns;
    u64 system_ns;
    u64 run_ns;
    u64 minor_faults;
    u64 major_faults;
};

static __always_inline void add_released(struct usage* sum, struct signal_struct* signal) {
    sum->user_ns += signal->utime;
    sum->system_ns += signal->stime;
    sum->run_ns += signal->sum_sched_runtime;
    sum->minor_faults += signal->min_flt;
    sum->major_faults += signal->maj_flt;
}

static __always_inline void add_thread(struct usage* sum, struct task_struct* task) {
    sum->user_ns += task->utime;
    sum->system_ns += task->stime;
    sum->run_ns += task->se.sum_exec_runtime;
    sum->minor_faults += task->min_flt;
    sum->major_faults += task->maj_flt;
}

/*
 * Without a lock: a thread that is released meanwhile is missed, or counted twice in the instant between its sum and
 * its leaving the list. By address: the verifier takes no pointer that was computed from that of a list's node.
 */
static __always_inline void add_unreleased(struct usage* sum, struct signal_struct* signal) {
    const u64 head = (u64)signal + bpf_core_field_offset(struct signal_struct, thread_head);
    u64 node = (u64)signal->thread_head.next;
    int i;

    for (i = 0; i < MAX_UNRELEASED && node && node != head; i++) {
        struct task_struct* task = (void*)(node - bpf_core_field_offset(struct task_struct, thread_node));

        sum->user_ns += BPF_CORE_READ(task, utime);
        sum->system_ns += BPF_CORE_READ(task, stime);
        sum->run_ns += BPF_CORE_READ(task, se.sum_exec_runtime);
        sum->minor_faults += BPF_CORE_READ(task, min_flt);
        sum->major_faults += BPF_CORE_READ(task, maj_flt);
        node = (u64)BPF_CORE_READ(task, thread_node.next);
    }
}

/* `last` is the thread that exits last: `current`. */
static __always_inline void read_usage(struct knell_exit* record, struct task_struct* last) {
    struct signal_struct* signal = last->signal;
    struct usage sum = {};

    add_released(&sum, signal);
    if (signal->nr_threads == 1) {
        add_thread(&sum, last);
    } else {
        add_unreleased(&sum, signal);
    }
    record->user_ns = sum.user_ns;
    record->system_ns = sum.system_ns;
    record->run_ns = sum.run_ns;
    record->minor_faults = sum.minor_faults > 0xffffffff ? 0xffffffff : sum.minor_faults;
    record->major_faults = sum.major_faults > 0xffffffff ? 0xffffffff : sum.major_faults;
    record->peak_rss_bytes = signal->maxrss * knobs.page_bytes;
}

#endif

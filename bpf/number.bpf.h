/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Numbers of processes as the agent's pid namespace has them: what pidfd_open(2), /proc and a person there call them.
 * A process has a number in its own namespace and in each one above it (struct pid, numbers[]), so that an agent in the
 * initial namespace sees all of them, and another one those of its own namespace and below.
 */
#ifndef KNELL_NUMBER_BPF_H
#define KNELL_NUMBER_BPF_H

#include "bpf/knobs.bpf.h"

#define MAX_PID_NS_LEVEL 32 /* include/linux/pid_namespace.h */

/*
 * An element of a kernel array whose elements bpf/kernel.h does not size. The mask changes nothing: before 6.10 the
 * verifier forgets the bounds of a product of two registers, and refuses to add an unbounded number to a pointer.
 */
static __always_inline const void* element(const void* array, u64 index, u64 size) {
    return array + (index * size & 0xfff);
}

static __always_inline const struct upid* number_at(const struct pid* pid, u32 level) {
    return element((const void*)pid + bpf_core_field_offset(struct pid, numbers), level,
                   bpf_core_type_size(struct upid));
}

/* In a namespace below the initial one. Not inlined: a program asks for several. */
static __noinline u32 number_in_namespace(const struct pid* pid) {
    u32 level = BPF_CORE_READ(pid, level);
    u32 i;

    for (i = 0; i <= MAX_PID_NS_LEVEL && i <= level; i++) {
        const struct upid* number = number_at(pid, i);
        if (BPF_CORE_READ(number, ns, ns.inum) == knobs.pid_namespace) {
            return BPF_CORE_READ(number, nr);
        }
    }
    return 0;
}

/* 0: the agent's namespace does not show it. */
static __always_inline u32 number_of(const struct pid* pid) {
    return knobs.pid_namespace ? number_in_namespace(pid) : (u32)BPF_CORE_READ(pid, numbers[0].nr);
}

/* The same of a process, by any of its threads. */
static __always_inline u32 number_of_process(struct task_struct* task) {
    return knobs.pid_namespace ? number_in_namespace(task->group_leader->thread_pid) : (u32)task->tgid;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counts the creation of a pidfd, and records it while somebody wants to know. */
#ifndef KNELL_PIDFD_BPF_H
#define KNELL_PIDFD_BPF_H

#include "bpf/maps.bpf.h"
#include "bpf/pidfs.bpf.h"
#include "bpf/process.bpf.h"
#include "bpf/wakeup.bpf.h"

static __always_inline void record_pidfd(enum knell_pidfd_via via, const struct pid* pid) {
    struct task_struct* opener = bpf_get_current_task_btf();
    const struct task_struct* target = task_of(pid);
    struct knell_pidfd* record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);

    if (!record) {
        count(KNELL_COUNTER_PIDFDS_DROPPED);
        return;
    }
    start_record(&record->head, KNELL_RECORD_PIDFD, sizeof(*record), bpf_ktime_get_ns());
    read_process(&record->opener, opener->group_leader);
    record->target_inode = inode_of(pid);
    record->target_pid = number_of(pid);
    record->via = via;
    __builtin_memset(record->target_comm, 0, sizeof(record->target_comm));
    if (target) {
        BPF_CORE_READ_INTO(&record->target_comm, target, comm);
    }
    /* Not the timer of the births: classic tracepoint programs may not use it. Somebody watches and waits. */
    bpf_ringbuf_submit(record, prompt_wakeup());
}

static __always_inline u32 agent_pid(void) {
    const struct knell_control* shared = shared_control();
    return shared ? shared->agent_pid : 0;
}

/*
 * `current` made a pidfd of `pid`. The agent's own do not count: its pool opens one for each process that it watches,
 * which tells of the agent and not of the node. Nor do those that the agent's pid namespace does not show.
 */
static __always_inline void pidfd_created(enum knell_pidfd_via via, const struct pid* pid) {
    struct task_struct* opener = bpf_get_current_task_btf();
    const u32 number = number_of_process(opener);

    if (number == 0 || number == agent_pid()) {
        return;
    }
    count(KNELL_COUNTER_PIDFDS + via);
    if (knobs.record_pidfds) {
        record_pidfd(via, pid);
    }
}

#endif

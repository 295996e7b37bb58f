// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The end of a process.
 *
 * do_exit() -> trace_sched_process_exit() for every thread; the process ends with the last one. "Last" is not
 * pid == tgid: a leader may leave first, and in an exec by another thread the old leader exits with pid == tgid and
 * code 0 while the process lives on. Since 6.16 the tracepoint says it (`group_dead`), and it moved before exit_mm(),
 * so exit-to-notify contains the teardown of the memory; before, signal->live == 0 says nearly the same: two threads
 * that exit on two CPUs can both see 0, hence the de-duplication below.
 *
 * Why a tracepoint: it exists on every kernel since 5.5 with BTF arguments, needs no trampoline (refused on locked-down
 * hosts), and runs in the dying task. It misses nothing; what it cannot know is the reap, which the pidfd tells.
 */
#include "bpf/process.bpf.h"
#include "bpf/wakeup.bpf.h"

/*
 * The status that the parent will see, not the last thread's own code (kernel/exit.c, wait_task_zombie()): the group's
 * exit code once anything ended the whole group, which since 6.1 includes the exit of the last thread; else the
 * leader's.
 */
static __always_inline int wait_status(struct task_struct* task) {
    struct signal_struct* signal = task->signal;
    return signal->flags & SIGNAL_GROUP_EXIT ? signal->group_exit_code : task->group_leader->exit_code;
}

/* The scope that oom.bpf.c left for this pid; only called for the few processes with an oom_mm. */
static __always_inline u32 oom_flags(u32 pid) {
    u32 flags = KNELL_EXIT_OOM_VICTIM;
    u32* scope = bpf_map_lookup_elem(&oom_scopes, &pid);
    if (scope) {
        flags |= *scope;
        bpf_map_delete_elem(&oom_scopes, &pid);
    }
    return flags;
}

/* Tells the watch pool's slot, which needs no room in the ring. Returns whether there is one. */
static __always_inline _Bool stamp_slot(struct task_struct* leader, int status, u64 now) {
    u32* index = bpf_task_storage_get(&watch_slots, leader, 0, 0);
    struct knell_slot* slot;
    if (!index) {
        return 0;
    }
    slot = bpf_map_lookup_elem(&slots, index);
    if (!slot) {
        return 0;
    }
    slot->status = status;
    slot->exit_ns = now;
    return 1;
}

static __always_inline void process_ended(struct task_struct* task) {
    struct task_struct* leader = task->group_leader;
    u64 now = bpf_ktime_get_ns();
    int status = wait_status(task);
    u32 flags = stamp_slot(leader, status, now) ? KNELL_EXIT_WATCHED : 0;
    struct knell_counters* here = counters_here();
    struct process_mark* mark;
    struct knell_exit* record;

    count_in(here, KNELL_COUNTER_EXITS_SEEN);
    if (task->signal->oom_mm) {
        flags |= oom_flags(leader->tgid);
    }
    record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
    if (!record) {
        count_in(here, KNELL_COUNTER_EXITS_DROPPED);
        return;
    }
    start_record(&record->head, KNELL_RECORD_EXIT, sizeof(*record), now);
    read_process(&record->process, leader);
    record->status = status;
    record->flags = flags;
    mark = bpf_task_storage_get(&marks, leader, 0, 0);
    if (mark) {
        record->first_term_ns = mark->first_term_ns;
        record->fatal = mark->fatal;
    } else {
        record->first_term_ns = 0;
        __builtin_memset(&record->fatal, 0, sizeof(record->fatal));
    }
    count_in(here, KNELL_COUNTER_EXITS_DELIVERED);
    bpf_ringbuf_submit(record, prompt_wakeup());
}

/* Linux >= 6.16: the kernel says whether this was the last thread. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(exit_group_dead, struct task_struct* task, _Bool group_dead) {
    if (group_dead && !(task->flags & PF_KTHREAD)) {
        process_ended(task);
    }
    return 0;
}

/*
 * Before 6.16. A second thread that also sees live == 0 finds the process recorded, even when the first one is released
 * by then and it is the only one left. Where the only one left finds no mark, no other thread saw live == 0.
 */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(exit_live_count, struct task_struct* task) {
    struct process_mark* mark;
    _Bool alone;

    if (task->signal->live.counter != 0 || (task->flags & PF_KTHREAD)) {
        return 0;
    }
    alone = task->signal->nr_threads == 1;
    mark = alone ? bpf_task_storage_get(&marks, task->group_leader, 0, 0) : make_mark(task->group_leader);
    if (mark) {
        if (__sync_lock_test_and_set(&mark->exit_recorded, 1)) {
            return 0;
        }
    } else if (!alone) {
        count(KNELL_COUNTER_MARKS_FAILED);
    }
    process_ended(task);
    return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

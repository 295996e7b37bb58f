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
#include "bpf/maps.bpf.h"
#include "bpf/process.bpf.h"
#include "bpf/spill.bpf.h"
#include "bpf/usage.bpf.h"
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

/* Tells the slot of the watch pool, if it has one: that needs no room in the ring. */
static __always_inline void stamp_slot(struct task_struct* leader, u64 now) {
    struct knell_slot* slot = slot_of(leader);

    if (slot) {
        slot->exit_ns = now;
    }
}

static __always_inline void read_mark(struct knell_exit* record, struct task_struct* leader) {
    struct process_mark* mark = bpf_task_storage_get(&marks, leader, 0, 0);

    if (mark) {
        record->stop_request_ns = mark->stop_request_ns;
        record->stop_signal = mark->stop_signal;
        record->fatal = mark->fatal;
    } else {
        record->stop_request_ns = 0;
        record->stop_signal = 0;
        __builtin_memset(&record->fatal, 0, sizeof(record->fatal));
    }
}

static __always_inline void process_ended(struct task_struct* task) {
    struct task_struct* leader = task->group_leader;
    u64 now = bpf_ktime_get_ns();
    int status = wait_status(task);
    u32 flags = 0;
    struct knell_counters* here = counters_here();
    struct knell_exit* record;

    stamp_slot(leader, now);
    if (!number_of_process(leader)) {
        count_in(here, KNELL_COUNTER_EXITS_OUTSIDE);
        return;
    }
    count_in(here, KNELL_COUNTER_EXITS_SEEN);
    if (task->signal->oom_mm) {
        flags |= KNELL_EXIT_OOM_VICTIM;
    }
    record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
    if (!record) {
        spill_exit(leader, status, flags, now);
        return;
    }
    start_record(&record->head, KNELL_RECORD_EXIT, sizeof(*record), now);
    read_process(&record->process, leader);
    record->status = status;
    record->flags = flags;
    record->reserved = 0;
    read_mark(record, leader);
    read_usage(record, task);
    read_exe(record->exe, task);
    count_in(here, KNELL_COUNTER_EXITS_DELIVERED);
    bpf_ringbuf_submit(record, prompt_wakeup());
}

/* The thread that is in exec and waits for the others of its process to go. */
static __always_inline struct task_struct* executing_thread(struct signal_struct* signal) {
    if (bpf_core_field_exists(struct signal_struct, group_exec_task)) {
        return signal->group_exec_task;
    }
    return ((struct signal_struct___before_5_17*)signal)->group_exit_task;
}

/*
 * A thread that is not the leader calls exec: de_thread() kills the others, and when the old leader is a zombie, the
 * thread takes over its place and its number. What was noted of the process is in the old leader's task storage, so the
 * heir gets a copy when the leader leaves. A copy: should the heir be killed before it has taken over, the leader
 * remains the process's.
 *
 * Not seen: the heir of a leader that had left before anybody called exec. Such a process has no kernel times and has
 * forgotten earlier signals.
 */
static __always_inline void leave_to_heir(struct task_struct* leader) {
    struct task_struct* heir = executing_thread(leader->signal);
    struct process_mark* mark;
    struct process_mark* copy;
    struct knell_tag* tag;

    if (!heir || heir == leader) {
        return;
    }
    tag = bpf_task_storage_get(&watch_slots, leader, 0, 0);
    if (tag) {
        (void)bpf_task_storage_get(&watch_slots, heir, tag, BPF_LOCAL_STORAGE_GET_F_CREATE);
    }
    mark = bpf_task_storage_get(&marks, leader, 0, 0);
    if (!mark) {
        return;
    }
    copy = make_mark(heir);
    if (copy) {
        *copy = *mark;
    } else {
        count(KNELL_COUNTER_MARKS_FAILED);
    }
}

/* Linux >= 6.16: the kernel says whether this was the last thread. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(exit_group_dead, struct task_struct* task, _Bool group_dead) {
    if (task->flags & PF_KTHREAD) {
        return 0;
    }
    if (group_dead) {
        process_ended(task);
    } else if (task->pid == task->tgid) {
        leave_to_heir(task);
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

    if (task->flags & PF_KTHREAD) {
        return 0;
    }
    if (task->signal->live.counter != 0) {
        if (task->pid == task->tgid) {
            leave_to_heir(task);
        }
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

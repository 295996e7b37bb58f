// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * How processes start: fork and exec. Candidates for the watch pool, first sight of a cgroup, new names; and the
 * pidfds that clone makes, see pidfd.bpf.c.
 *
 * copy_process() ends with trace_task_newtask(): the child has its pid, start time and cgroup, and has not run yet.
 * begin_new_exec() is past the point of no return at trace_sched_process_exec(): the process keeps its pid and identity
 * whichever of its threads called exec.
 *
 * Nobody needs these records at once (a process is watched from `watch.min_age` on), so they wake nobody: they ride
 * with the next exit, or with a timer that runs once per burst. A wake-up for each would cost a forking process 13 us.
 */
#include "bpf/maps.bpf.h"
#include "bpf/pidfd.bpf.h"
#include "bpf/process.bpf.h"
#include "bpf/wakeup.bpf.h"

struct late_wakeup_timer {
    struct bpf_timer timer;
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, u32);
    __type(value, struct late_wakeup_timer);
} late_wakeup SEC(".maps");

/*
 * Wakes the consumer if it still sleeps and records wait for it, or births were lost. The discarded record only carries
 * the wake-up; where there is no place for it (the ring is full, or since 6.15 its lock was not to be had in time), the
 * timer tries again: no other birth may follow that would.
 */
static int on_late_wakeup(void* map, u32* key, struct late_wakeup_timer* value) {
    struct knell_control* shared = shared_control();
    void* nothing;

    if (!shared) {
        return 0;
    }
    (void)__sync_lock_test_and_set(&shared->late_wakeup, 0);
    if (!bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) && !shared->births_lost) {
        return 0;
    }
    nothing = bpf_ringbuf_reserve(&ring, 8, 0);
    if (nothing) {
        bpf_ringbuf_discard(nothing, wake_if_armed(shared, KNELL_COUNTER_WAKEUPS_LATE));
    } else if (!__sync_lock_test_and_set(&shared->late_wakeup, 1) &&
               bpf_timer_start(&value->timer, knobs.late_wakeup_ns, 0)) {
        shared->late_wakeup = 0;
    }
    return 0;
}

static __always_inline void schedule_late_wakeup(void) {
    struct knell_control* shared = shared_control();
    struct late_wakeup_timer* late;
    u32 zero = 0;

    if (!shared || shared->late_wakeup || __sync_lock_test_and_set(&shared->late_wakeup, 1)) {
        return;
    }
    late = bpf_map_lookup_elem(&late_wakeup, &zero);
    if (!late) {
        return;
    }
    if (bpf_timer_start(&late->timer, knobs.late_wakeup_ns, 0)) {
        /* The first time on this map: -EINVAL, not initialised. */
        bpf_timer_init(&late->timer, &late_wakeup, 1 /* CLOCK_MONOTONIC */);
        bpf_timer_set_callback(&late->timer, on_late_wakeup);
        if (bpf_timer_start(&late->timer, knobs.late_wakeup_ns, 0)) {
            shared->late_wakeup = 0; /* the next birth tries again */
        }
    }
}

/* The agent will look for it in /proc. Not atomic: all who write it write 1. */
static __always_inline void note_lost_birth(void) {
    struct knell_control* shared = shared_control();
    if (shared) {
        shared->births_lost = 1;
    }
}

SEC("tp_btf/task_newtask")
int BPF_PROG(task_newtask, struct task_struct* task, u64 clone_flags) {
    struct task_struct* creator = bpf_get_current_task_btf()->group_leader;
    struct knell_fork* record;

    if (task->flags & PF_KTHREAD) {
        return 0;
    }
    if ((clone_flags & CLONE_PIDFD) && knobs.observe_pidfds) {
        pidfd_created(KNELL_PIDFD_CLONE, task->thread_pid);
    }
    if ((clone_flags & CLONE_THREAD) || !number_of_process(task)) {
        return 0;
    }
    count(KNELL_COUNTER_FORKS);
    record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
    if (!record) {
        count(KNELL_COUNTER_FORKS_DROPPED);
        note_lost_birth();
        schedule_late_wakeup();
        return 0;
    }
    start_record(&record->head, KNELL_RECORD_FORK, sizeof(*record), bpf_ktime_get_ns());
    read_process(&record->child, task);
    record->clone_flags = clone_flags;
    record->creator_start_ns = creator->start_time;
    record->creator_pid = number_of_process(creator);
    record->reserved = 0;
    bpf_ringbuf_submit(record, high_water_wakeup());
    schedule_late_wakeup();
    return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(sched_process_exec, struct task_struct* task) {
    struct knell_exec* record;

    if (!number_of_process(task)) {
        return 0;
    }
    count(KNELL_COUNTER_EXECS);
    record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
    if (!record) {
        count(KNELL_COUNTER_EXECS_DROPPED);
        return 0;
    }
    start_record(&record->head, KNELL_RECORD_EXEC, sizeof(*record), bpf_ktime_get_ns());
    read_process(&record->process, task);
    bpf_ringbuf_submit(record, high_water_wakeup());
    schedule_late_wakeup();
    return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

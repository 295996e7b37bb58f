/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Exits that find the ring full are counted here, by what the metrics need of them: their detail is lost, their count
 * is not.
 *
 * Two hash maps behind an array of maps. User space puts the empty one in place of the other, and the kernel makes that
 * call wait until no program runs any more that had the old one (maybe_wait_bpf_programs() in kernel/bpf/syscall.c):
 * what it then reads nobody adds to. With one map alone, an exit could add to an element that has just been taken out.
 *
 * Preallocated: the exits that come here come when memory is short. What does not fit is counted as unaccounted.
 */
#ifndef KNELL_SPILL_BPF_H
#define KNELL_SPILL_BPF_H

#include "bpf/maps.bpf.h"
#include "bpf/process.bpf.h"
#include "bpf/wakeup.bpf.h"

struct spill_map {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, KNELL_SPILL_KEYS);
    __type(key, struct knell_spill_key);
    __type(value, struct knell_spill_value);
};

struct spill_map spill_even SEC(".maps");
struct spill_map spill_odd SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __uint(max_entries, 1);
    __type(key, u32);
    __array(values, struct spill_map);
} spill SEC(".maps") = {.values = {[0] = &spill_even}};

#define MACHINE_INIT 1

/* Of the sender only what tells classes of killers apart. */
static __always_inline void fill_fatal(struct knell_signal* out, const struct knell_signal* fatal) {
    *out = *fatal;
    out->time_ns = 1;
    if (out->sender_pid != MACHINE_INIT) {
        out->sender_pid = 0;
    }
    __builtin_memset(out->sender_comm, 0, sizeof(out->sender_comm));
}

static __always_inline void fill_spill_key(struct knell_spill_key* key, struct task_struct* leader, int status,
                                           u32 flags) {
    const struct process_mark* mark = bpf_task_storage_get(&marks, leader, 0, 0);
    struct css_set* cgroups = leader->cgroups;

    __builtin_memset(key, 0, sizeof(*key));
    key->cgroup_id = cgroups->dfl_cgrp->kn->id;
    key->cgroup_v1_id = cgroup_v1_id(cgroups);
    key->status = status;
    key->flags = flags;
    if (!mark) {
        return;
    }
    key->stop_signal = mark->stop_signal;
    if (mark->fatal.time_ns && mark->fatal.number == (status & 0x7f)) {
        fill_fatal(&key->fatal, &mark->fatal);
    }
}

/* Whether there was room. */
static __always_inline _Bool add_to_spill(const struct knell_spill_key* key, u64 now) {
    const struct knell_spill_value first = {.exits = 1, .last_ns = now};
    u32 zero = 0;
    void* map = bpf_map_lookup_elem(&spill, &zero);
    struct knell_spill_value* value;

    if (!map) {
        return 0;
    }
    value = bpf_map_lookup_elem(map, key);
    if (!value) {
        if (!bpf_map_update_elem(map, key, &first, BPF_NOEXIST)) {
            return 1;
        }
        value = bpf_map_lookup_elem(map, key); /* another CPU was first, or the map is full */
        if (!value) {
            return 0;
        }
    }
    __sync_fetch_and_add(&value->exits, 1);
    value->last_ns = now;
    return 1;
}

/*
 * A consumer that has emptied the ring in between and is about to sleep either finds control.spilled set, or is found
 * armed here: both sides have a full barrier between their store and their load (bpf/wakeup.bpf.h). The discarded
 * record only carries the wake-up; with no room for it, the consumer is yet to empty the ring.
 */
static __always_inline void announce_spill(void) {
    struct knell_control* shared = shared_control();
    void* nothing;

    if (!shared) {
        return;
    }
    (void)__sync_lock_test_and_set(&shared->spilled, 1);
    nothing = bpf_ringbuf_reserve(&ring, 8, 0);
    if (nothing) {
        bpf_ringbuf_discard(nothing, wake_if_armed(shared, KNELL_COUNTER_WAKEUPS_SPILL));
    }
}

static __always_inline void spill_exit(struct task_struct* leader, int status, u32 flags, u64 now) {
    struct knell_spill_key key;

    fill_spill_key(&key, leader, status, flags);
    if (add_to_spill(&key, now)) {
        count(KNELL_COUNTER_EXITS_SPILLED);
        announce_spill();
    } else {
        count(KNELL_COUNTER_EXITS_UNACCOUNTED);
    }
}

#endif

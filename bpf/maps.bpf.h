/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the programs share with each other and with the agent. The definitions are weak, so that every .bpf.c may
 * include this file and the linker keeps one of each.
 */
#ifndef KNELL_MAPS_BPF_H
#define KNELL_MAPS_BPF_H

#include "bpf/knobs.bpf.h"

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 8 << 20); /* resized by the agent */
} ring __weak SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 1);
    __type(key, u32);
    __type(value, struct knell_control);
} control __weak SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, u32);
    __type(value, struct knell_counters);
} counters __weak SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 1); /* resized by the agent: the capacity of the watch pool */
    __type(key, u32);
    __type(value, struct knell_slot);
} slots __weak SEC(".maps");

/* Where a watched process's slot is. Written by user space with the process's pidfd as the key. */
struct {
    __uint(type, BPF_MAP_TYPE_TASK_STORAGE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, int);
    __type(value, struct knell_tag);
} watch_slots __weak SEC(".maps");

/* What happened to a process before its end. Exists only for those that a possibly fatal signal or a stop request was
 * sent to. */
struct process_mark {
    struct knell_signal fatal;
    u64 stop_request_ns; /* as in struct knell_exit */
    u32 stop_signal;
    u32 exit_recorded; /* only on kernels without the group_dead argument, see exit.bpf.c */
};

struct {
    __uint(type, BPF_MAP_TYPE_TASK_STORAGE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, int);
    __type(value, struct process_mark);
} marks __weak SEC(".maps");

/*
 * The process's mark, made if there is none; NULL: no memory. When two CPUs make it at once, or two agents' programs
 * give the task its first storage, the kernel refuses one of them (bpf_local_storage_update() with BPF_NOEXIST,
 * bpf_local_storage_alloc()): the second try finds what the other made, or makes it.
 */
static __always_inline struct process_mark* make_mark(struct task_struct* leader) {
    struct process_mark* mark = bpf_task_storage_get(&marks, leader, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
    return mark ? mark : bpf_task_storage_get(&marks, leader, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
}

static __always_inline struct knell_control* shared_control(void) {
    u32 zero = 0;
    return bpf_map_lookup_elem(&control, &zero);
}

/* The slot of a process that the running agent watches, else NULL. */
static __always_inline struct knell_slot* slot_of(struct task_struct* leader) {
    const struct knell_tag* tag = bpf_task_storage_get(&watch_slots, leader, 0, 0);
    const struct knell_control* shared;

    if (!tag) {
        return 0;
    }
    shared = shared_control();
    if (!shared || tag->generation != shared->generation) {
        return 0;
    }
    return bpf_map_lookup_elem(&slots, &tag->slot);
}

static __always_inline struct knell_counters* counters_here(void) {
    u32 zero = 0;
    return bpf_map_lookup_elem(&counters, &zero);
}

/* Atomic: on a preemptible kernel another exit on the same CPU may come between load and store. */
static __always_inline void count_in(struct knell_counters* here, enum knell_counter which) {
    if (here) {
        __sync_fetch_and_add(&here->value[which], 1);
    }
}

static __always_inline void count(enum knell_counter which) {
    count_in(counters_here(), which);
}

#endif

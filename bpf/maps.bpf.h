/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the programs share with each other and with the agent. The definitions are weak, so that every .bpf.c may
 * include this file and the linker keeps one of each.
 */
#ifndef KNELL_MAPS_BPF_H
#define KNELL_MAPS_BPF_H

#include "bpf/events.h"
#include "bpf/kernel.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

const volatile struct knell_knobs knobs __weak = {};

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

/* Index of a watched process's slot. Written by user space with the process's pidfd as the key. */
struct {
    __uint(type, BPF_MAP_TYPE_TASK_STORAGE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, int);
    __type(value, u32);
} watch_slots __weak SEC(".maps");

/* What happened to a process before its end. Exists only for those that a possibly fatal signal or any SIGTERM was sent
 * to. */
struct process_mark {
    struct knell_signal fatal;
    u64 first_term_ns;
    u32 exit_recorded; /* only on kernels without the group_dead argument, see exit.bpf.c */
    u32 reserved;
};

struct {
    __uint(type, BPF_MAP_TYPE_TASK_STORAGE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, int);
    __type(value, struct process_mark);
} marks __weak SEC(".maps");

/*
 * The process's mark, made if there is none; NULL: no memory. When two CPUs make it at once, the kernel refuses one of
 * them (bpf_local_storage_update() with BPF_NOEXIST), which then finds the other's.
 */
static __always_inline struct process_mark* make_mark(struct task_struct* leader) {
    struct process_mark* mark = bpf_task_storage_get(&marks, leader, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
    return mark ? mark : bpf_task_storage_get(&marks, leader, 0, 0);
}

/* Scope of an OOM kill by the victim's pid: kernels before 6.8 pass mark_victim a number, not a task. */
struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 1024);
    __type(key, u32);
    __type(value, u32); /* KNELL_EXIT_OOM_MEMCG or KNELL_EXIT_OOM_SYSTEM */
} oom_scopes __weak SEC(".maps");

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

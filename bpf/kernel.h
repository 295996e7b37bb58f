/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel types that knell reads, kept by hand: this file is the list of kernel fields that we depend on. Only the
 * members we touch are written down; CO-RE (preserve_access_index) finds their real offsets in the running kernel's
 * BTF, so the build needs no BTF of the build machine.
 */
#ifndef KNELL_KERNEL_H
#define KNELL_KERNEL_H

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed char __s8;
typedef short __s16;
typedef int __s32;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;

typedef __u32 u32;
typedef __u64 u64;

/* include/uapi/linux/bpf.h, the part that libbpf's helper declarations and our maps use. */
enum bpf_map_type {
    BPF_MAP_TYPE_ARRAY = 2,
    BPF_MAP_TYPE_PERCPU_ARRAY = 6,
    BPF_MAP_TYPE_LRU_HASH = 9,
    BPF_MAP_TYPE_RINGBUF = 27,
    BPF_MAP_TYPE_TASK_STORAGE = 29,
};
enum { BPF_ANY = 0 };
enum { BPF_F_NO_PREALLOC = 1U << 0, BPF_F_MMAPABLE = 1U << 10 };
enum { BPF_RB_NO_WAKEUP = 1ULL << 0, BPF_RB_FORCE_WAKEUP = 1ULL << 1 };
enum { BPF_RB_AVAIL_DATA = 0 };
enum { BPF_LOCAL_STORAGE_GET_F_CREATE = 1ULL << 0 };
struct bpf_timer {
    __u64 opaque[2];
} __attribute__((aligned(8)));

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
    u32 val;
} kuid_t;

struct cred {
    kuid_t uid;
};

struct upid {
    int nr;
};

struct pid {
    unsigned int level; /* of the pid namespace; 0 = the initial one */
    u64 ino;            /* since 6.9; checked with bpf_core_field_exists */
    struct upid numbers[1];
};

struct mm_struct;

struct signal_struct {
    int nr_threads;
    int group_exit_code;
    unsigned int flags;
    struct {
        int counter;
    } live;
    struct mm_struct* oom_mm;
};

struct sigaction {
    void* sa_handler;
};

struct k_sigaction {
    struct sigaction sa;
};

struct sighand_struct {
    struct k_sigaction action[64];
};

struct kernel_siginfo {
    int si_signo;
    int si_code;
};

struct kernfs_node {
    u64 id;
};

struct cgroup {
    struct kernfs_node* kn;
};

struct cgroup_subsys_state {
    struct cgroup* cgroup;
};

struct css_set {
    struct cgroup_subsys_state* subsys[16];
    struct cgroup* dfl_cgrp;
};

struct task_struct {
    unsigned int flags;
    int exit_state;
    int exit_code;
    int pid;
    int tgid;
    struct task_struct* real_parent;
    struct task_struct* group_leader;
    struct pid* thread_pid;
    u64 start_time;
    u64 start_boottime;
    const struct cred* cred;
    char comm[16];
    struct signal_struct* signal;
    struct sighand_struct* sighand;
    struct css_set* cgroups;
};

struct linux_binprm;

/* Which element of css_set.subsys belongs to the memory controller depends on the kernel's configuration. */
enum cgroup_subsys_id { memory_cgrp_id };

#pragma clang attribute pop

/* include/linux/sched.h, include/linux/sched/signal.h, include/uapi/linux/sched.h */
#define PF_EXITING 0x00000004
#define PF_KTHREAD 0x00200000
#define SIGNAL_GROUP_EXIT 0x00000004
#define CLONE_THREAD 0x00010000

/* include/trace/events/signal.h: TRACE_SIGNAL_DELIVERED and the one other result that still delivers. */
#define TRACE_SIGNAL_DELIVERED 0
#define TRACE_SIGNAL_IGNORED 1
#define TRACE_SIGNAL_LOSE_INFO 4

/* include/linux/sched/signal.h: special values of the siginfo pointer. */
#define SEND_SIG_NOINFO 0UL
#define SEND_SIG_PRIV 1UL

#endif

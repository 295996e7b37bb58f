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

typedef __u8 u8;
typedef __u32 u32;
typedef __u64 u64;

/* include/uapi/linux/bpf.h, the part that libbpf's helper declarations and our maps use. */
enum bpf_map_type {
    BPF_MAP_TYPE_HASH = 1,
    BPF_MAP_TYPE_ARRAY = 2,
    BPF_MAP_TYPE_PERCPU_ARRAY = 6,
    BPF_MAP_TYPE_ARRAY_OF_MAPS = 12,
    BPF_MAP_TYPE_RINGBUF = 27,
    BPF_MAP_TYPE_TASK_STORAGE = 29,
};
enum { BPF_NOEXIST = 1 };
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

struct list_head {
    struct list_head* next;
};

struct hlist_node {
    struct hlist_node* next;
};

struct hlist_head {
    struct hlist_node* first;
};

struct ns_common {
    unsigned int inum;
};

struct pid_namespace {
    struct ns_common ns;
};

struct upid {
    int nr;
    struct pid_namespace* ns;
};

struct pid {
    unsigned int level;         /* of the pid namespace; 0 = the initial one */
    u64 ino;                    /* since 6.9; checked with bpf_core_field_exists */
    struct hlist_head tasks[1]; /* by enum pid_type; PIDTYPE_PID is the first */
    struct upid numbers[1];
};

struct qstr {
    const unsigned char* name;
};

struct dentry {
    struct qstr d_name;
};

struct path {
    struct dentry* dentry;
};

struct super_block {
    unsigned long s_magic;
};

struct inode {
    struct super_block* i_sb;
    void* i_private;
};

struct file {
    const void* f_op;
    void* private_data;
    struct inode* f_inode;
    struct path f_path;
};

struct fdtable {
    unsigned int max_fds;
    struct file** fd;
};

struct files_struct {
    struct fdtable* fdt;
};

struct mm_struct {
    struct file* exe_file;
};

struct signal_struct {
    int nr_threads;
    int group_exit_code;
    unsigned int flags;
    struct {
        int counter;
    } live;
    struct list_head thread_head;        /* through task_struct.thread_node: all threads that are not released */
    struct task_struct* group_exec_task; /* the thread that is in exec and waits for the others to go; since 5.17 */
    u64 utime;                           /* this and the next five: of the threads that are released */
    u64 stime;
    unsigned long min_flt;
    unsigned long maj_flt;
    unsigned long long sum_sched_runtime;
    unsigned long maxrss; /* pages; complete when the last thread is past `live == 0` */
    struct mm_struct* oom_mm;
};

/* Before 5.17 it had this name, and was set during a core dump too. */
struct signal_struct___before_5_17 {
    struct task_struct* group_exit_task;
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

struct sched_entity {
    u64 sum_exec_runtime;
};

#if defined(__TARGET_ARCH_x86)
struct thread_info {
    u32 status;
};

struct pt_regs {
    unsigned long orig_ax;
};
#elif defined(__TARGET_ARCH_arm64)
struct thread_info {
    unsigned long flags;
};

struct pt_regs {
    int syscallno;
};
#endif

struct task_struct {
    struct thread_info thread_info;
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
    u64 utime;
    u64 stime;
    unsigned long min_flt;
    unsigned long maj_flt;
    struct sched_entity se;
    struct list_head thread_node;
    struct hlist_node pid_links[1]; /* by enum pid_type */
    struct mm_struct* mm;
    struct files_struct* files;
    const struct cred* cred;
    char comm[16];
    struct signal_struct* signal;
    struct sighand_struct* sighand;
    struct css_set* cgroups;
};

struct linux_binprm;

struct mem_cgroup;

struct oom_control {
    struct mem_cgroup* memcg; /* whose limit was hit; NULL = the machine's */
};

/* What a classic tracepoint for the end of a system call hands over. */
struct trace_event_raw_sys_exit {
    long ret;
};

struct seq_file;

struct bpf_iter_meta {
    struct seq_file* seq;
};

struct bpf_iter__task_file {
    struct bpf_iter_meta* meta;
    struct task_struct* task;
    u32 fd;
    struct file* file;
};

/* Which element of css_set.subsys belongs to the memory controller depends on the kernel's configuration. */
enum cgroup_subsys_id { memory_cgrp_id };

#pragma clang attribute pop

/* include/linux/sched.h, include/linux/sched/signal.h, include/uapi/linux/sched.h */
#define PF_EXITING 0x00000004
#define PF_KTHREAD 0x00200000
#define SIGNAL_GROUP_EXIT 0x00000004
#define CLONE_PIDFD 0x00001000
#define CLONE_THREAD 0x00010000

/* include/uapi/linux/magic.h: the file system of pidfds, since 6.9. */
#define PID_FS_MAGIC 0x50494446

/* include/linux/err.h: what is above is no pointer but a negated errno. */
#define MAX_ERRNO 4095

/* include/uapi/asm-generic/errno-base.h */
#define EEXIST 17

/* include/trace/events/signal.h: TRACE_SIGNAL_DELIVERED and the one other result that still delivers. */
#define TRACE_SIGNAL_DELIVERED 0
#define TRACE_SIGNAL_IGNORED 1
#define TRACE_SIGNAL_LOSE_INFO 4

/* include/linux/sched/signal.h: special values of the siginfo pointer. */
#define SEND_SIG_NOINFO 0UL
#define SEND_SIG_PRIV 1UL

#endif

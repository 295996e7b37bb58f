/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The contract between the programs in bpf/ and the agent: the only header that both sides include.
 *
 * Rules: fixed-width fields, explicit padding, sizes are multiples of 8, every record starts with
 * struct knell_record, structs only grow at their end. The KNELL_ASSERT_SIZE lines are checked by both
 * compilers. "Time" is nanoseconds of CLOCK_MONOTONIC unless a field says otherwise. Pids and tids are numbers of
 * the agent's pid namespace, 0 = not in it; "pid" is what user space calls a pid (the kernel's tgid).
 */
#ifndef KNELL_EVENTS_H
#define KNELL_EVENTS_H

#ifdef __bpf__
typedef unsigned char knell_u8;
typedef unsigned short knell_u16;
typedef unsigned int knell_u32;
typedef int knell_s32;
typedef unsigned long long knell_u64;
#else
#include <stdint.h>
typedef uint8_t knell_u8;
typedef uint16_t knell_u16;
typedef uint32_t knell_u32;
typedef int32_t knell_s32;
typedef uint64_t knell_u64;
#endif

#ifdef __cplusplus
#define KNELL_ASSERT(condition, text) static_assert(condition, text)
#else
#define KNELL_ASSERT(condition, text) _Static_assert(condition, text)
#endif
#define KNELL_ASSERT_SIZE(type, size) KNELL_ASSERT(sizeof(type) == (size), #type " has a fixed layout")

#define KNELL_COMM_SIZE 16
#define KNELL_EXE_SIZE 24 /* holds "containerd-shim-runc-v2" */

/* ---- records in the ring ------------------------------------------------------------------------------------- */

enum knell_record_type {
    KNELL_RECORD_FORK = 1,  /* struct knell_fork */
    KNELL_RECORD_EXEC = 2,  /* struct knell_exec */
    KNELL_RECORD_EXIT = 3,  /* struct knell_exit */
    KNELL_RECORD_PIDFD = 4, /* struct knell_pidfd */
};

struct knell_record {
    knell_u16 type; /* enum knell_record_type */
    knell_u16 size; /* bytes, this header included */
    knell_u32 reserved;
    knell_u64 time_ns; /* when the program ran */
};
KNELL_ASSERT_SIZE(struct knell_record, 16);

/* A process as the kernel knows it at the instant of the record. */
struct knell_process {
    knell_u32 pid;
    knell_u32 ppid; /* real parent; 0 = none that has a number */
    knell_u32 uid;  /* real user id, initial user namespace */
    knell_u32 reserved;
    knell_u64 start_ns;         /* start of the process */
    knell_u64 start_boot_ns;    /* the same instant on CLOCK_BOOTTIME: what /proc/PID/stat shows, in clock ticks */
    knell_u64 pid_inode;        /* pidfs inode number (st_ino of its pidfds), unique for the boot; 0 = before 6.9 */
    knell_u64 cgroup_id;        /* cgroup v2: kernfs node id; the root cgroup on a v1 host */
    knell_u64 cgroup_v1_id;     /* cgroup v1 memory hierarchy: kernfs node id; 0 = the host has none */
    char comm[KNELL_COMM_SIZE]; /* of the thread group leader; any bytes, NUL-terminated */
};
KNELL_ASSERT_SIZE(struct knell_process, 72);

struct knell_fork {
    struct knell_record head;
    struct knell_process child;
    knell_u64 clone_flags;      /* CLONE_* of the creating call */
    knell_u64 creator_start_ns; /* start of the process that made the call */
    knell_u32 creator_pid;      /* its pid; with CLONE_PARENT it is not the parent */
    knell_u32 reserved;
};
KNELL_ASSERT_SIZE(struct knell_fork, 112);

struct knell_exec {
    struct knell_record head;
    struct knell_process process; /* comm is the new one */
};
KNELL_ASSERT_SIZE(struct knell_exec, 88);

/* How the kernel handed over the signal: the `info` argument of the signal_generate tracepoint. */
enum knell_siginfo {
    KNELL_SIGINFO_VALUE = 0,  /* a siginfo: si_code is valid */
    KNELL_SIGINFO_NOINFO = 1, /* SEND_SIG_NOINFO: on behalf of `current` (PDEATHSIG, cgroup.kill, SIGPIPE) */
    KNELL_SIGINFO_PRIV = 2,   /* SEND_SIG_PRIV: from the kernel itself (OOM, pid namespace teardown) */
};

enum knell_sender_flag {
    KNELL_SENDER_SELF = 1 << 0,    /* the process signalled itself */
    KNELL_SENDER_PARENT = 1 << 1,  /* sender is the victim's real parent */
    KNELL_SENDER_CHILD = 1 << 2,   /* the victim is the sender's real parent */
    KNELL_SENDER_EXITING = 1 << 3, /* PF_EXITING: the sender was dying */
    KNELL_SENDER_INIT = 1 << 4,    /* pid 1 of a pid namespace below the initial one */
    KNELL_SENDER_KTHREAD = 1 << 5, /* a kernel thread was current */
};

enum knell_signal_flag {
    KNELL_SIGNAL_OOM = 1 << 0,        /* sent by the OOM killer: to its victim, or to one that shares its memory */
    KNELL_SIGNAL_OOM_MEMCG = 1 << 1,  /* with OOM: a memory cgroup's limit was hit */
    KNELL_SIGNAL_OOM_SYSTEM = 1 << 2, /* with OOM: the whole machine; neither bit = scope not known */
};

/* One signal and who sent it: `current` when the kernel queued it. */
struct knell_signal {
    knell_u64 time_ns;      /* when it was generated; 0 = no signal recorded */
    knell_u64 cgroup_id;    /* of the sender, as in struct knell_process */
    knell_u64 cgroup_v1_id; /* of the sender */
    knell_u32 sender_pid;
    knell_u32 sender_uid;
    knell_s32 si_code;      /* SI_USER, SI_TKILL, SEGV_MAPERR, ...; 0 unless siginfo is KNELL_SIGINFO_VALUE */
    knell_u32 sender_flags; /* enum knell_sender_flag */
    knell_u8 number;        /* SIG* */
    knell_u8 siginfo;       /* enum knell_siginfo */
    knell_u8 group;         /* 1 = sent to the process, 0 = to one thread */
    knell_u8 decisive;      /* 1 = the kernel had already decided that the process dies of this one */
    knell_u32 flags;        /* enum knell_signal_flag */
    char sender_comm[KNELL_COMM_SIZE]; /* a process may call itself anything */
    char sender_exe[KNELL_EXE_SIZE];   /* base name of its executable, cut, NUL-terminated; empty: a kernel thread, or
                                          it is past exit_mm() */
};
KNELL_ASSERT_SIZE(struct knell_signal, 88);

enum knell_exit_flag {
    KNELL_EXIT_OOM_VICTIM = 1 << 0, /* signal_struct.oom_mm is set: the OOM killer chose this process */
};

struct knell_exit {
    struct knell_record head;
    struct knell_process process;
    knell_s32 status; /* wait status that the parent will see: low 7 bits signal, 0x80 core dumped, >> 8 code */
    knell_u32 flags;  /* enum knell_exit_flag */
    knell_u64 stop_request_ns; /* first of knobs.stop_signals sent to the process, also one that it ignores; 0 = none */
    struct knell_signal fatal; /* last signal that could have killed it; time_ns == 0: none was seen */
    knell_u32 stop_signal;     /* the signal of stop_request_ns */
    knell_u32 minor_faults;    /* page faults of all threads, capped at 2^32 - 1 */
    knell_u32 major_faults;
    knell_u32 reserved;
    knell_u64 user_ns; /* CPU time of all threads as sampled at ticks: right in proportion only */
    knell_u64 system_ns;
    knell_u64 run_ns;         /* CPU time of all threads as the scheduler measured it: the sum of both, up to the last
                                 thread's last clock tick (1 to 10 ms) or switch */
    knell_u64 peak_rss_bytes; /* 0 = not known (no memory of its own) */
    char exe[KNELL_EXE_SIZE]; /* base name of the executable, cut, NUL-terminated; empty: not known (before 6.16 the
                                 memory is gone by now) */
};
KNELL_ASSERT_SIZE(struct knell_exit, 264);

/* By which way a pidfd came to be. */
enum knell_pidfd_via {
    KNELL_PIDFD_OPEN = 0,   /* pidfd_open(2) */
    KNELL_PIDFD_CLONE = 1,  /* clone(2), clone3(2) with CLONE_PIDFD */
    KNELL_PIDFD_SOCKET = 2, /* SO_PEERPIDFD, SCM_PIDFD */
    KNELL_PIDFD_OTHER = 3,  /* fanotify, core dump helper, file handle, /proc/self/fd ... */
    KNELL_PIDFD_VIA_COUNT = 4,
};

/* Somebody got a pidfd that did not exist before. Only while knobs.record_pidfds is set; counted always. */
struct knell_pidfd {
    struct knell_record head;
    struct knell_process opener;
    knell_u64 target_inode;            /* as in struct knell_process */
    knell_u32 target_pid;              /* a thread's number for a thread's pidfd */
    knell_u32 via;                     /* enum knell_pidfd_via */
    char target_comm[KNELL_COMM_SIZE]; /* empty: not known */
};
KNELL_ASSERT_SIZE(struct knell_pidfd, 120);

/* One open pidfd as the census (bpf/census.bpf.c) finds it. No record of the ring: rows of a BPF iterator. */
struct knell_held_pidfd {
    struct knell_process holder; /* the first process that the iterator finds it with */
    knell_u64 target_inode;      /* as in struct knell_process */
    knell_u32 target_pid;        /* a thread's number for a thread's pidfd; 0 = reaped */
    knell_u32 fd;
    char holder_exe[KNELL_EXE_SIZE]; /* as in struct knell_exit */
};
KNELL_ASSERT_SIZE(struct knell_held_pidfd, 112);

/* ---- spill ---------------------------------------------------------------------------------------------------- */

/*
 * What the metrics need of an exit that found the ring full. Exits that agree in every byte are counted together, so
 * whatever tells one process from another is 0 here.
 */
struct knell_spill_key {
    knell_u64 cgroup_id;    /* as in struct knell_process */
    knell_u64 cgroup_v1_id; /* as in struct knell_process */
    knell_s32 status;       /* as in struct knell_exit */
    knell_u32 flags;        /* enum knell_exit_flag */
    knell_u32 stop_signal;  /* as in struct knell_exit */
    knell_u32 reserved;
    struct knell_signal fatal; /* of a death by signal, when it is the signal it died of; time_ns is 1, sender_pid is 0
                                  unless it is 1 (the machine's init), sender_comm is empty */
};
KNELL_ASSERT_SIZE(struct knell_spill_key, 120);

struct knell_spill_value {
    knell_u64 exits;
    knell_u64 last_ns; /* time of one of the last of them */
};
KNELL_ASSERT_SIZE(struct knell_spill_value, 16);

/* How many keys there is room for between two readings; exits of further keys are unaccounted. */
#define KNELL_SPILL_KEYS 8192

/* ---- shared memory ------------------------------------------------------------------------------------------- */

/*
 * One watched process. An element of the mapped array `slots`; user space clears it, then tags the process with the
 * index through its pidfd (task storage map `watch_slots`), so a recycled pid can never write here.
 */
struct knell_slot {
    knell_u64 exit_ns;   /* BPF: sched_process_exit of the last thread; 0 = alive */
    knell_u64 notify_ns; /* BPF: the parent's SIGCHLD was generated, just after the pidfd woke its pollers; 0 = not
                            yet, or never when the parent ignores SIGCHLD explicitly */
};
KNELL_ASSERT_SIZE(struct knell_slot, 16);

/* The value in `watch_slots`. A tag of an earlier agent, whose slot may be another process's by now, does not count. */
struct knell_tag {
    knell_u32 slot;
    knell_u32 generation; /* knell_control.generation of the agent that wrote it */
};
KNELL_ASSERT_SIZE(struct knell_tag, 8);

/* What both sides do about wake-ups; the single element of the mapped array `control`. See bpf/wakeup.bpf.h. */
struct knell_control {
    knell_u32 armed; /* user sets 1 before sleeping without a timeout; the BPF side exchanges it for 0, then wakes */
    knell_u32 generation; /* of the agent's tags (struct knell_tag): user counts it up before it tags anything */
    knell_u32 agent_pid;  /* ours, whose own pidfds do not count */
    knell_u32 reserved0;
    knell_u64 reserved1[6];
    knell_u32 late_wakeup; /* BPF: a timer is running that will wake user space for records that wake nobody */
    knell_u32 spilled;     /* BPF sets 1 after it added to the spill; user clears it before it takes what is there */
    knell_u32 births_lost; /* BPF sets 1 when a fork found the ring full; user clears it before it looks for them */
    knell_u32 reserved2;
    knell_u64 reserved3[6];
};
KNELL_ASSERT_SIZE(struct knell_control, 128);

/* ---- counters, per CPU, never reset -------------------------------------------------------------------------- */

enum knell_counter {
    KNELL_COUNTER_EXITS_SEEN = 0,         /* processes that ended; = delivered + spilled + unaccounted */
    KNELL_COUNTER_EXITS_DELIVERED = 1,    /* exit records in the ring */
    KNELL_COUNTER_EXITS_SPILLED = 2,      /* no room in the ring: counted in the spill */
    KNELL_COUNTER_FORKS = 3,              /* processes created */
    KNELL_COUNTER_FORKS_DROPPED = 4,      /* of these: no room in the ring */
    KNELL_COUNTER_EXECS = 5,              /* successful execs */
    KNELL_COUNTER_EXECS_DROPPED = 6,      /* of these: no room in the ring */
    KNELL_COUNTER_WAKEUPS_ARMED = 7,      /* the consumer slept; an exit, or a pidfd that is recorded, woke it */
    KNELL_COUNTER_WAKEUPS_HIGH_WATER = 8, /* it slept, and births alone had filled a quarter of the ring */
    KNELL_COUNTER_WAKEUPS_LATE = 9,       /* by the timer, for forks and execs */
    KNELL_COUNTER_SIGNALS = 10,           /* signals that were recorded as possibly fatal */
    KNELL_COUNTER_MARKS_FAILED = 11,      /* task storage refused memory for such a record: the killer stays unknown */
    KNELL_COUNTER_PIDFDS = 12,            /* created by KNELL_PIDFD_OPEN; the other ways follow in their order */
    KNELL_COUNTER_PIDFDS_DROPPED = 16,    /* record wanted, no room in the ring */
    KNELL_COUNTER_EXITS_UNACCOUNTED = 17, /* no room in the spill either */
    KNELL_COUNTER_WAKEUPS_SPILL = 18,     /* the consumer slept, and an exit that had found the ring full woke it */
    KNELL_COUNTER_EXITS_OUTSIDE = 19,     /* not in the agent's pid namespace: in no other count of exits */
    KNELL_COUNTER_COUNT = 20,
};
KNELL_ASSERT((int)KNELL_COUNTER_PIDFDS_DROPPED - (int)KNELL_COUNTER_PIDFDS == (int)KNELL_PIDFD_VIA_COUNT,
             "a counter for each way");

struct knell_counters {
    knell_u64 value[KNELL_COUNTER_COUNT]; /* indexed by enum knell_counter */
};
KNELL_ASSERT_SIZE(struct knell_counters, 160);

/* ---- knobs: constants that the agent sets before the programs are loaded ------------------------------------- */

/* The addresses of one kernel function; start == 0: not known. */
struct knell_code_range {
    knell_u64 start;
    knell_u64 end; /* the first behind it */
};

#define KNELL_OOM_KILLER_RANGES 2

struct knell_knobs {
    knell_u64 high_water_bytes; /* a fuller ring wakes a sleeping consumer for forks and execs too */
    knell_u64 late_wakeup_ns;   /* how long fork and exec records may wait for a wake-up */
    knell_u64 stop_signals;     /* bit n - 1: signal n asks a process to stop */
    knell_u64 page_bytes;       /* of this kernel, for its counts of pages */
    struct knell_code_range oom_killer[KNELL_OOM_KILLER_RANGES]; /* one of them is on the stack when it kills */
    struct knell_code_range
        memcg_oom;            /* mem_cgroup_out_of_memory(): on the stack when a memory cgroup's limit is hit */
    knell_u32 read_cgroup_v1; /* 1 = the host mounts the memory controller as cgroup v1 */
    knell_u32 observe_pidfds; /* 1 = a program for their creation is attached beside task_newtask */
    knell_u32 record_pidfds;  /* 1 = struct knell_pidfd records are wanted */
    knell_u32 pid_namespace;  /* inode number of the agent's; 0 = the initial one, which shows every process */
};
KNELL_ASSERT_SIZE(struct knell_knobs, 96);

#endif

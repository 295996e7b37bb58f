// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Who gets a pidfd to whom. Every way but a few leads through pidfs_alloc_file() (since 6.9) and pidfd_prepare() (since
 * 6.4, and in some 6.1.y):
 *
 *   pidfd_open(2), SO_PEERPIDFD, SCM_PIDFD, fanotify -> pidfd_prepare() -> pidfs_alloc_file() -> do_dentry_open()
 *   clone(2), clone3(2) with CLONE_PIDFD -> copy_process() -> the same; before 6.18 not by pidfd_prepare()
 *   the core dump helper's (%F)                          -> pidfs_alloc_file()
 *   open_by_handle_at(2), /proc/self/fd/N                                      -> do_dentry_open()
 *
 * CLONE_PIDFD is counted in start.bpf.c by task_newtask whichever program is attached here: copy_process() can still
 * fail after it has made the pidfd. So these programs leave out what clone and clone3 make.
 *
 * One of them is attached. Best first: pidfs_alloc_file and pidfd_prepare cost nothing unless a pidfd is made; the
 * security hook sees more ways, and runs at every open of a file; the classic tracepoint needs no trampoline, and slows
 * down every system call of the machine a little while it is there (docs/performance.md), sees pidfd_open(2) alone, and
 * not in 32-bit processes on x86.
 *
 * A pidfd that is handed on (fork, dup, SCM_RIGHTS, pidfd_getfd) is none that did not exist before.
 */
#include "bpf/pidfd.bpf.h"

/* System calls by which pidfds are made; their numbers differ by machine. pidfd_open is 434 and clone3 435 on all. */
#define NR_pidfd_open 434
#define NR_clone3 435
#define NR_compat_clone 120 /* of i386 and arm */
#if defined(__TARGET_ARCH_x86)
#define NR_clone 56
#define NR_getsockopt 55
#define NR_recvmsg 47
#define NR_recvmmsg 299
#define TS_COMPAT 0x0002 /* arch/x86/include/asm/thread_info.h */
#elif defined(__TARGET_ARCH_arm64)
#define NR_clone 220
#define NR_getsockopt 209
#define NR_recvmsg 212
#define NR_recvmmsg 243
#define TIF_32BIT 22 /* arch/arm64/include/asm/thread_info.h */
#endif

#if defined(__TARGET_ARCH_x86)
static __always_inline int syscall_number(struct task_struct* task) {
    struct pt_regs* registers = (struct pt_regs*)bpf_task_pt_regs(task);
    return registers->orig_ax;
}

static __always_inline _Bool in_compat_syscall(struct task_struct* task) {
    return task->thread_info.status & TS_COMPAT;
}
#elif defined(__TARGET_ARCH_arm64)
static __always_inline int syscall_number(struct task_struct* task) {
    struct pt_regs* registers = (struct pt_regs*)bpf_task_pt_regs(task);
    return registers->syscallno;
}

static __always_inline _Bool in_compat_syscall(struct task_struct* task) {
    return (task->thread_info.flags >> TIF_32BIT) & 1;
}
#endif

/* How `current` makes a pidfd. Sockets of 32-bit processes and all of io_uring pass for KNELL_PIDFD_OTHER. */
static __always_inline enum knell_pidfd_via way_of_current(void) {
    struct task_struct* task = bpf_get_current_task_btf();
    int number = syscall_number(task);

    if (number == NR_pidfd_open) {
        return KNELL_PIDFD_OPEN;
    }
    if (number == NR_clone3) {
        return KNELL_PIDFD_CLONE;
    }
    if (in_compat_syscall(task)) {
        return number == NR_compat_clone ? KNELL_PIDFD_CLONE : KNELL_PIDFD_OTHER;
    }
    switch (number) {
    case NR_clone:
        return KNELL_PIDFD_CLONE;
    case NR_getsockopt:
    case NR_recvmsg:
    case NR_recvmmsg:
        return KNELL_PIDFD_SOCKET;
    default:
        return KNELL_PIDFD_OTHER;
    }
}

static __always_inline void pidfd_created_by_current(const struct pid* pid) {
    enum knell_pidfd_via via = way_of_current();

    if (via != KNELL_PIDFD_CLONE) {
        pidfd_created(via, pid);
    }
}

SEC("fexit/pidfs_alloc_file")
int BPF_PROG(pidfs_alloc_file, struct pid* pid, unsigned int flags, struct file* file) {
    if ((u64)file < -(u64)MAX_ERRNO) {
        pidfd_created_by_current(pid);
    }
    return 0;
}

SEC("fexit/pidfd_prepare")
int BPF_PROG(pidfd_prepare, struct pid* pid, unsigned int flags, struct file** file, int fd) {
    if (fd >= 0) {
        pidfd_created_by_current(pid);
    }
    return 0;
}

SEC("lsm/file_open")
int BPF_PROG(pidfs_file_open, struct file* file) {
    if (file->f_inode->i_sb->s_magic == PID_FS_MAGIC) {
        pidfd_created_by_current(pid_of(file));
    }
    return 0;
}

/*
 * The tracepoint tells the new descriptor alone, so what it refers to is looked up. Another thread may have closed it
 * by now, or put something else in its place: before 6.9 nothing tells that the file is a pidfd.
 */
SEC("tracepoint/syscalls/sys_exit_pidfd_open")
int sys_exit_pidfd_open(struct trace_event_raw_sys_exit* ctx) {
    struct task_struct* opener = bpf_get_current_task_btf();
    struct fdtable* table = opener->files->fdt;
    const struct file* file = 0;
    long fd = ctx->ret;

    if (fd < 0) {
        return 0;
    }
    if ((u64)fd < table->max_fds) {
        bpf_probe_read_kernel(&file, sizeof(file), (void*)table->fd + fd * sizeof(file));
    }
    if (has_pidfs() && !is_on_pidfs(file)) {
        file = 0;
    }
    pidfd_created(KNELL_PIDFD_OPEN, pid_of(file));
    return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

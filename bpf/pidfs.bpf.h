/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a pidfd refers to. Pointers here are plain addresses: they may come from a void*, which the verifier trusts with
 * nothing. */
#ifndef KNELL_PIDFS_BPF_H
#define KNELL_PIDFS_BPF_H

#include "bpf/knobs.bpf.h"

/* Since 6.9 pidfds have a file system of their own; before, they were anonymous inodes, told by their operations. */
static __always_inline _Bool has_pidfs(void) {
    return bpf_core_field_exists(struct pid, ino);
}

static __always_inline _Bool is_on_pidfs(const struct file* file) {
    return BPF_CORE_READ(file, f_inode, i_sb, s_magic) == PID_FS_MAGIC;
}

/* The struct pid of a file that is a pidfd. */
static __always_inline const struct pid* pid_of(const struct file* file) {
    return has_pidfs() ? BPF_CORE_READ(file, f_inode, i_private) : BPF_CORE_READ(file, private_data);
}

static __always_inline u64 inode_of(const struct pid* pid) {
    return has_pidfs() ? BPF_CORE_READ(pid, ino) : 0;
}

/* The thread that has this pid, for reading only; NULL: reaped. */
static __always_inline const struct task_struct* task_of(const struct pid* pid) {
    const struct hlist_node* first = BPF_CORE_READ(pid, tasks[0].first);
    return first ? (const void*)first - bpf_core_field_offset(struct task_struct, pid_links) : 0;
}

#endif

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Who holds pidfds now: a row for each open one. An object of its own, loaded for one reading.
 *
 * The iterator goes through the descriptors of all processes; it leaves out threads that have their leader's table
 * (task_seq_get_next()). A process that forks without exec hands its whole table to each child, so that a pool of N
 * pidfds and its N children have N * N entries: each open file is told once, with the first process that has it.
 * Reading stops by time, see agent/probe/pidfd_census.hpp; the kernel returns at the latest after a million entries.
 *
 * It misses pidfds that are under way in a socket, and those that only the kernel holds.
 */
#include "bpf/pidfs.bpf.h"
#include "bpf/process.bpf.h"

/* Address of pidfd_fops, for kernels without pidfs. */
const volatile knell_u64 pidfd_operations = 0;

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, 1); /* resized by the agent: the most rows it reads */
    __type(key, u64);       /* address of an open file */
    __type(value, u8);
} seen SEC(".maps");

static __always_inline _Bool is_pidfd(const struct file* file) {
    return has_pidfs() ? is_on_pidfs(file) : (u64)BPF_CORE_READ(file, f_op) == pidfd_operations;
}

SEC("iter/task_file")
int take_pidfds(struct bpf_iter__task_file* ctx) {
    struct task_struct* task = ctx->task;
    struct knell_held_pidfd row = {};
    const struct pid* pid;
    u64 address = (u64)ctx->file;
    u8 one = 1;
    int error;

    if (!task || !address || !is_pidfd((const struct file*)address) || !number_of_process(task)) {
        return 0;
    }
    error = bpf_map_update_elem(&seen, &address, &one, BPF_NOEXIST); /* as an int: 6.1 does not extend its sign */
    if (error == -EEXIST) {
        return 0;
    }
    pid = pid_of((const struct file*)address);
    read_process(&row.holder, task->group_leader);
    read_exe(row.holder_exe, task);
    row.target_inode = inode_of(pid);
    row.target_pid = task_of(pid) ? number_of(pid) : 0;
    row.fd = ctx->fd;
    if (bpf_seq_write(ctx->meta->seq, &row, sizeof(row))) {
        bpf_map_delete_elem(&seen, &address); /* no room left in this read: the next one starts with this entry */
    }
    return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

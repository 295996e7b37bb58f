/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads what a record says about a process. */
#ifndef KNELL_PROCESS_BPF_H
#define KNELL_PROCESS_BPF_H

#include "bpf/number.bpf.h"

/*
 * The kernfs node id of the task's cgroup in the v1 memory hierarchy. On hybrid hosts container runtimes place
 * containers there while the v2 hierarchy has them in its root. The element of css_set.subsys is an enumerator whose
 * value depends on the kernel's configuration.
 */
static __always_inline u64 cgroup_v1_id(struct css_set* cgroups) {
    struct cgroup_subsys_state* state;

    if (!knobs.read_cgroup_v1 || !bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id)) {
        return 0;
    }
    state = cgroups->subsys[bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id)];
    return state ? state->cgroup->kn->id : 0;
}

/* pidfs inode number, the identity of the process for the boot. Before 6.9 struct pid has none. */
static __always_inline u64 pid_inode(struct task_struct* leader) {
    if (!bpf_core_field_exists(struct pid, ino)) {
        return 0;
    }
    return leader->thread_pid->ino;
}

static __always_inline void read_process(struct knell_process* process, struct task_struct* leader) {
    struct css_set* cgroups = leader->cgroups;

    process->pid = number_of_process(leader);
    process->ppid = number_of_process(leader->real_parent);
    process->uid = leader->cred->uid.val;
    process->reserved = 0;
    process->start_ns = leader->start_time;
    process->start_boot_ns = leader->start_boottime;
    process->pid_inode = pid_inode(leader);
    process->cgroup_id = cgroups->dfl_cgrp->kn->id;
    process->cgroup_v1_id = cgroup_v1_id(cgroups);
    bpf_probe_read_kernel(process->comm, sizeof(process->comm), leader->comm);
}

/*
 * Base name of the executable, empty for a task without memory of its own. A kernel thread may have borrowed some
 * (kthread_use_mm()).
 */
static __always_inline void read_exe(char* exe, struct task_struct* task) {
    struct mm_struct* mm = task->mm;
    struct file* file;

    __builtin_memset(exe, 0, KNELL_EXE_SIZE);
    if (!mm || (task->flags & PF_KTHREAD)) {
        return;
    }
    file = mm->exe_file;
    if (file) {
        bpf_probe_read_kernel_str(exe, KNELL_EXE_SIZE, file->f_path.dentry->d_name.name);
    }
}

static __always_inline void start_record(struct knell_record* head, enum knell_record_type type, u32 size, u64 now) {
    head->type = type;
    head->size = size;
    head->reserved = 0;
    head->time_ns = now;
}

#endif

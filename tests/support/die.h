/* What the files of `die` share. Each way to die is one function; the table of all of them is in die.c. */
#ifndef KNELL_TESTS_DIE_H
#define KNELL_TESTS_DIE_H

#include <sys/types.h>

enum {
    STATUS_USAGE = 2,
    STATUS_SURVIVED = 125, /* could not die as asked */
};

/* die.c: helpers */

/* One line to standard output in one write: tests read it while the process dies. */
__attribute__((format(printf, 1, 2))) void say(const char* format, ...);
/* Standard error gets what was tried and errno; STATUS_SURVIVED. */
_Noreturn void give_up(const char* tried);
/* Standard error gets the complaint; STATUS_USAGE. */
_Noreturn void bad_argument(const char* what, const char* text);
long number(const char* text, long min, long max);
int exit_code(const char* text);
int signal_number(const char* text); /* "15", "TERM", "SIGTERM" */
pid_t fork_or_give_up(void);
void wait_for_end(pid_t child);
void await(int pipe_end); /* for a byte from the other end, or for it to be closed */
_Noreturn void sleep_forever(void);

/*
 * A way to die. `args` are its arguments, NULL-terminated, as many as the table promises. A function that returns has
 * survived.
 */
typedef void way_function(char** args);

/* die.c: by the way that the first word names, the others are its arguments. */
_Noreturn void die_by(char** words);

/* die_exits.c: normal exits, sleepers and limits */
way_function die_exit, die_sys_exit, die_sleep, die_rename, die_user, die_xcpu, die_xcpu_hard, die_xfsz, die_core_dump;

/* die_memory.c: for the OOM killer */
way_function die_eat_memory, die_eat_memory_child, die_eat_memory_shared;

/* die_signals.c: sent by processes, to themselves or to others */
way_function die_kill_self, die_raise, die_abort, die_pipe, die_pipe_socket;
way_function die_handle, die_handle_then_raise, die_term_graceful, die_term_ignore, die_block_term_then_unblock;
way_function die_send, die_write, die_trace_then_exit, die_trace_then_kill;

/* die_kernel_signals.c: sent by the kernel on its own account */
way_function die_alarm, die_timer, die_sigio, die_tty;

/* die_faults.c: what the processor or a seccomp filter answers */
way_function die_segv, die_bus, die_fpe, die_ill, die_trap;
way_function die_sigsys_seccomp, die_sigsys_seccomp_thread, die_seccomp_strict;

/* die_threads.c */
way_function die_threads, die_thread_exit_group, die_leader_first, die_double_exit, die_segv_thread;
way_function die_exec_thread, die_leader_first_exec, die_term_then_exec_thread, die_pdeathsig_thread;

/* die_processes.c */
way_function die_vfork_child, die_vfork_exec, die_pdeathsig, die_killed_by_child, die_kill_child, die_autoreap,
    die_crowd;
way_function die_zombie, die_fork_tree, die_clone_parent;

/* die_storms.c */
way_function die_storm, die_storm_of_codes, die_storm_of_kills, die_storm_of_names, die_storm_of_cgroups;

/* die_namespaces.c: in pid namespaces of their own */
way_function die_pidns_init, die_pidns_parent, die_pidns_sleep, die_pidns_kill, die_pidns_nested, die_pidns_reboot;

#endif

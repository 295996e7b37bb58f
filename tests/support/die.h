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
_Noreturn void sleep_forever(void);

/*
 * A way to die. `args` are its arguments, NULL-terminated, as many as the table promises. A function that returns has
 * survived.
 */
typedef void way_function(char** args);

/* die_exits.c: normal exits, sleepers and limits */
way_function die_exit, die_sys_exit, die_sleep, die_rename, die_eat_memory, die_xcpu, die_xfsz, die_user, die_core_dump;

/* die_signals.c */
way_function die_kill_self, die_raise, die_abort, die_pipe, die_alarm, die_timer;
way_function die_term_graceful, die_term_ignore, die_block_term_then_unblock, die_send;

/* die_faults.c: what the processor or a seccomp filter answers */
way_function die_segv, die_bus, die_fpe, die_ill, die_trap;
way_function die_sigsys_seccomp, die_sigsys_seccomp_thread, die_seccomp_strict;

/* die_threads.c */
way_function die_thread_exit_group, die_leader_first, die_double_exit, die_segv_thread, die_exec_thread;

/* die_processes.c */
way_function die_vfork_child, die_pdeathsig, die_killed_by_child, die_autoreap, die_crowd;
way_function die_zombie, die_storm, die_fork_tree, die_pidns_init, die_pidns_sleep;

#endif

/* Deaths of processes with several threads: whose exit is the process's? */
#include "tests/support/die.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

static void start_thread(void* (*function)(void*), void* argument) {
    pthread_t thread;
    errno = pthread_create(&thread, NULL, function, argument);
    if (errno != 0) {
        give_up("pthread_create");
    }
}

static void* sleeper(void* argument) {
    sleep_forever();
}

static void start_sleepers(long count) {
    for (long i = 0; i < count; ++i) {
        start_thread(sleeper, NULL);
    }
}

static void* known_sleeper(void* argument) {
    say("thread %ld\n", syscall(SYS_gettid));
    say("ready\n");
    sleep_forever();
}

void die_threads(char** args) {
    start_sleepers(number(args[0], 1, 1000) - 1);
    start_thread(known_sleeper, NULL);
    sleep_forever();
}

static void* exit_group(void* code) {
    syscall(SYS_exit_group, *(int*)code);
    return NULL;
}

void die_thread_exit_group(char** args) {
    int code = exit_code(args[0]);
    start_sleepers(args[1] != NULL ? number(args[1], 2, 1000) - 1 : 1);
    start_thread(exit_group, &code);
    sleep_forever();
}

/* The kernel clears this word and wakes its waiters when the leader is past the point where it counts as alive. */
static int leader_tid;

static void await_leader(void) {
    int tid;
    while ((tid = __atomic_load_n(&leader_tid, __ATOMIC_ACQUIRE)) != 0) {
        syscall(SYS_futex, &leader_tid, FUTEX_WAIT, tid, NULL, NULL, 0); /* shared, as the kernel's wake-up is */
    }
}

static _Noreturn void leave_first(int code, void* (*rest)(void*), void* argument) {
    leader_tid = (int)syscall(SYS_set_tid_address, &leader_tid);
    start_thread(rest, argument);
    syscall(SYS_exit, code);
    give_up("SYS_exit");
}

static void* exit_after_leader(void* code) {
    await_leader();
    syscall(SYS_exit, *(int*)code);
    return NULL;
}

void die_leader_first(char** args) {
    static int last_code;
    const int leader_code = exit_code(args[0]);

    last_code = exit_code(args[1]);
    leave_first(leader_code, exit_after_leader, &last_code);
}

/* Busy: a wake-up would let one of them leave first. */
static void exit_together(int code) {
    static int arrived;
    __atomic_add_fetch(&arrived, 1, __ATOMIC_ACQ_REL);
    while (__atomic_load_n(&arrived, __ATOMIC_ACQUIRE) < 2) {
    }
    syscall(SYS_exit, code);
}

static void* exit_with_leader(void* code) {
    exit_together(*(int*)code);
    return NULL;
}

void die_double_exit(char** args) {
    static int code;
    code = exit_code(args[0]);
    start_thread(exit_with_leader, &code);
    exit_together(code);
}

static void* segv(void* argument) {
    die_segv(NULL);
    return NULL;
}

void die_segv_thread(char** args) {
    start_thread(sleeper, NULL);
    start_thread(segv, NULL);
    sleep_forever();
}

static void* execute(void* argument) {
    char** command = argument;
    execvp(command[0], command);
    give_up(command[0]);
}

void die_exec_thread(char** args) {
    start_thread(sleeper, NULL);
    start_thread(execute, args);
    sleep_forever();
}

static void* execute_after_leader(void* argument) {
    await_leader();
    return execute(argument);
}

void die_leader_first_exec(char** args) {
    leave_first(0, execute_after_leader, args);
}

static void note_signal(int signal) {}

void die_term_then_exec_thread(char** args) {
    const struct sigaction action = {.sa_handler = note_signal};
    sigset_t term;
    sigset_t none;

    sigemptyset(&none);
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, NULL);
    if (sigaction(SIGTERM, &action, NULL) != 0) {
        give_up("sigaction");
    }
    say("ready\n");
    sigsuspend(&none);
    die_exec_thread(args);
}

/*
 * die WAY [ARGS]: a program that dies in a named way, so that tests can look at the death. `die --list` prints the
 * ways.
 *
 * The first line of output is always "pid <n>", its own pid. Ways that make other processes print "child <n>" for those
 * that a test cannot find otherwise; ways that wait for a signal print "ready" when it may be sent.
 */
#include "tests/support/die.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

struct way {
    const char* name;
    way_function* die;
    int min_args;
    int max_args;
    const char* usage; /* the arguments, then two spaces and what happens */
};

enum { ANY_NUMBER = 4096 };

static const struct way ways[] = {
    {"exit", die_exit, 1, 1, "N  _exit(N)"},
    {"sys-exit", die_sys_exit, 1, 1, "N  the only thread leaves by SYS_exit"},
    {"sleep", die_sleep, 0, 0, "  waits to be killed"},
    {"rename", die_rename, 1, ANY_NUMBER,
     "COMM [WAY ARGS]  takes this name (any bytes), then waits to be killed or dies so"},
    {"user", die_user, 1, ANY_NUMBER, "UID [WAY ARGS]  becomes this user, then 0 or dies so (root only)"},
    {"xcpu", die_xcpu, 0, 0, "  SIGXCPU after one second of CPU time"},
    {"xcpu-hard", die_xcpu_hard, 0, 0, "  SIGKILL after one second of CPU time"},
    {"xfsz", die_xfsz, 0, 0, "  SIGXFSZ at a file size limit"},
    {"coredump", die_core_dump, 1, 1, "DIR  SIGSEGV in DIR with cores allowed"},
    {"eat-memory", die_eat_memory, 1, 1, "MIB  touches memory until it is killed, at most MIB"},
    {"eat-memory-child", die_eat_memory_child, 1, 1,
     "MIB  child: the same; when it is dead, the parent waits to be killed"},
    {"eat-memory-shared", die_eat_memory_shared, 1, 1,
     "MIB  the same by a sibling (\"child\") that has the same memory"},
    {"kill-self", die_kill_self, 1, 1, "SIG  kill(getpid(), SIG)"},
    {"raise", die_raise, 1, 1, "SIG  raise(SIG)"},
    {"abort", die_abort, 0, 0, "  abort()"},
    {"pipe", die_pipe, 0, 0, "  SIGPIPE: writes to a pipe without readers"},
    {"pipe-socket", die_pipe_socket, 0, 0, "  SIGPIPE: writes to a socket whose other end is closed"},
    {"alarm", die_alarm, 0, 0, "  SIGALRM by an interval timer"},
    {"timer", die_timer, 0, 0, "  SIGUSR1 by a POSIX timer"},
    {"sigio", die_sigio, 0, 0, "  SIGIO when a child writes to a pipe"},
    {"tty", die_tty, 1, 1,
     "DEED  child: at a terminal whose other end sends \"interrupt\" or \"hangup\"; then 0 itself"},
    {"handle", die_handle, 2, 3, "SIG N [DELAY_MS]  handles SIG with _exit(N)"},
    {"handle-then-raise", die_handle_then_raise, 1, 1, "SIG  handles SIG, then raises it with its default"},
    {"term-graceful", die_term_graceful, 1, 2, "N [DELAY_MS]  handles SIGTERM with _exit(N)"},
    {"term-ignore", die_term_ignore, 0, 0, "  ignores SIGTERM, waits to be killed"},
    {"block-term-then-unblock", die_block_term_then_unblock, 0, 0, "  unblocks SIGTERM once one is pending"},
    {"send", die_send, 3, 4,
     "PID SIG HOW [TID]  sends by kill (also to a group, -PGID), tgkill (also to thread TID), sigqueue, pidfd or "
     "pidfd-group; then 0"},
    {"write", die_write, 2, 2, "FILE TEXT  writes to a file, as to cgroup.kill; then 0"},
    {"trace-then-exit", die_trace_then_exit, 1, 1, "PID  traces it with PTRACE_O_EXITKILL; then 0"},
    {"trace-then-kill", die_trace_then_kill, 1, 1, "PID  stops it as a debugger does, kills it; then 0"},
    {"segv", die_segv, 0, 0, "  touches memory that it may not"},
    {"bus", die_bus, 0, 0, "  touches a mapping behind the end of its file"},
    {"fpe", die_fpe, 0, 0, "  divides by zero"},
    {"ill", die_ill, 0, 0, "  executes an undefined instruction"},
    {"trap", die_trap, 0, 0, "  executes a breakpoint"},
    {"sigsys-seccomp", die_sigsys_seccomp, 0, 0, "  SECCOMP_RET_KILL_PROCESS"},
    {"sigsys-seccomp-thread", die_sigsys_seccomp_thread, 0, 0, "  SECCOMP_RET_KILL_THREAD in the only thread"},
    {"seccomp-strict", die_seccomp_strict, 0, 0, "  leaves seccomp's strict mode: SIGKILL"},
    {"threads", die_threads, 1, 1, "N  with N threads more, the number of one as \"thread\", waits to be killed"},
    {"thread-exit-group", die_thread_exit_group, 1, 2, "N [THREADS]  a thread ends the process while others sleep"},
    {"leader-first", die_leader_first, 2, 2, "N M  the leader leaves with SYS_exit(N), later the last thread with M"},
    {"double-exit", die_double_exit, 1, 1, "N  two threads leave with SYS_exit(N) at the same instant"},
    {"segv-thread", die_segv_thread, 0, 0, "  SIGSEGV in a thread that is not the leader"},
    {"exec-thread", die_exec_thread, 1, ANY_NUMBER, "PROG [ARGS]  a thread that is not the leader executes PROG"},
    {"leader-first-exec", die_leader_first_exec, 1, ANY_NUMBER,
     "PROG [ARGS]  the leader leaves, then the last thread executes PROG"},
    {"term-then-exec-thread", die_term_then_exec_thread, 1, ANY_NUMBER,
     "PROG [ARGS]  handles SIGTERM, then a thread that is not the leader executes PROG"},
    {"vfork-child", die_vfork_child, 1, 1, "N  child: vfork, _exit(N); then 0 itself"},
    {"vfork-exec", die_vfork_exec, 1, 1, "PROG  child: vfork, executes PROG or 127; then 0"},
    {"pdeathsig", die_pdeathsig, 1, 1, "SIG  child: asked for SIG at the parent's death; then 0 itself"},
    {"pdeathsig-thread", die_pdeathsig_thread, 1, 1, "SIG  child of a thread that leaves, as above; then 0 itself"},
    {"killed-by-child", die_killed_by_child, 1, 1, "SIG  child: sends SIG to its parent, then 0"},
    {"kill-child", die_kill_child, 1, 1, "SIG  child: killed with SIG by its parent; then 0 itself"},
    {"autoreap", die_autoreap, 1, 1, "N  child: _exit(N) under a parent that ignores SIGCHLD; then 0 itself"},
    {"crowd", die_crowd, 1, 1,
     "N  N children that sleep until SIGTERM comes to the group; prints \"count N\" when all are reaped"},
    {"zombie", die_zombie, 1, 1, "SECONDS  leaves a dead child unreaped for so long, then 0"},
    {"storm", die_storm, 1, ANY_NUMBER, "N [WAY ...]  N times fork, _exit or death by WAY, wait; prints \"count N\""},
    {"storm-of-codes", die_storm_of_codes, 0, 0, "256 times the same, each with another exit code"},
    {"storm-of-kills", die_storm_of_kills, 1, 1, "N  N times fork, kill, wait; prints \"count N\""},
    {"storm-of-names", die_storm_of_names, 1, 1, "N  the same with a name of each child's own"},
    {"storm-of-cgroups", die_storm_of_cgroups, 2, 2,
     "DIR N  the same with a cgroup of each child's own below the cgroup DIR (root only)"},
    {"clone-parent", die_clone_parent, 1, 1, "CODE  makes a child of its own parent (CLONE_PARENT), which exits CODE"},
    {"fork-tree", die_fork_tree, 1, 1, "DEPTH  two children each down to DEPTH; prints \"count\" of descendants"},
    {"pidns-init", die_pidns_init, 1, 1,
     "N  children: init of a new pid namespace, exits N; a sleeper in it (root only)"},
    {"pidns-parent", die_pidns_parent, 0, 0,
     "  children: init of a new pid namespace, which waits for the other one, a sleeper in it (root only)"},
    {"pidns-sleep", die_pidns_sleep, 0, 0, "  child: init of a new pid namespace, waits to be killed (root only)"},
    {"pidns-kill", die_pidns_kill, 1, 1,
     "SIG  children: init of a new pid namespace; in it one that dies of SIG, and one that sends it (root only)"},
    {"pidns-nested", die_pidns_nested, 0, 0,
     "  children: init of a new pid namespace, which ends; in it the init of another one; a sleeper in that (root "
     "only)"},
    {"pidns-reboot", die_pidns_reboot, 0, 0,
     "  child: init of a new pid namespace, calls reboot(2) at SIGUSR1; prints \"status\" as its parent sees it (root "
     "only)"},
};
enum { WAY_COUNT = sizeof(ways) / sizeof(ways[0]) };

void say(const char* format, ...) {
    char line[128];
    va_list args;
    va_start(args, format);
    int size = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if (size < 0 || (size_t)size >= sizeof(line) || write(STDOUT_FILENO, line, (size_t)size) != size) {
        give_up("write to standard output");
    }
}

void give_up(const char* tried) {
    fprintf(stderr, "die: %s: %s\n", tried, strerror(errno));
    _exit(STATUS_SURVIVED);
}

void bad_argument(const char* what, const char* text) {
    fprintf(stderr, "die: %s: '%s'\n", what, text);
    _exit(STATUS_USAGE);
}

long number(const char* text, long min, long max) {
    char* end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < min || value > max) {
        bad_argument("not a number in range", text);
    }
    return value;
}

int exit_code(const char* text) {
    return (int)number(text, 0, 255);
}

int signal_number(const char* text) {
    const char* bare = strncmp(text, "SIG", 3) == 0 ? text + 3 : text;
    for (int i = 1; i < NSIG; ++i) {
        const char* name = sigabbrev_np(i);
        if (name != NULL && strcmp(bare, name) == 0) {
            return i;
        }
    }
    return (int)number(text, 1, NSIG - 1);
}

pid_t fork_or_give_up(void) {
    pid_t child = fork();
    if (child < 0) {
        give_up("fork");
    }
    return child;
}

void wait_for_end(pid_t child) {
    if (waitpid(child, NULL, 0) != child) {
        give_up("waitpid");
    }
}

void await(int pipe_end) {
    char byte;
    if (read(pipe_end, &byte, 1) < 0) {
        give_up("read from a pipe");
    }
}

void sleep_forever(void) {
    for (;;) {
        pause();
    }
}

static const struct way* find_way(const char* name) {
    for (int i = 0; i < WAY_COUNT; ++i) {
        if (strcmp(name, ways[i].name) == 0) {
            return &ways[i];
        }
    }
    return NULL;
}

static int count_words(char** words) {
    int count = 0;
    while (words[count] != NULL) {
        ++count;
    }
    return count;
}

void die_by(char** words) {
    const struct way* way = find_way(words[0]);
    const int args = count_words(words + 1);
    if (way == NULL) {
        bad_argument("no such way", words[0]);
    }
    if (args < way->min_args || args > way->max_args) {
        fprintf(stderr, "usage: die %s %s\n", way->name, way->usage);
        _exit(STATUS_USAGE);
    }
    way->die(words + 1);
    fprintf(stderr, "die: survived %s\n", way->name);
    _exit(STATUS_SURVIVED);
}

/* A death must not depend on what the starter ignored or blocked, nor leave a core in its directory. */
static void forget_inheritance(void) {
    struct rlimit core;
    sigset_t none;

    for (int i = 1; i < NSIG; ++i) {
        signal(i, SIG_DFL); /* refused for SIGKILL, SIGSTOP and the C library's own, which need no reset */
    }
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    getrlimit(RLIMIT_CORE, &core);
    core.rlim_cur = 0;
    setrlimit(RLIMIT_CORE, &core);
}

static int list(void) {
    for (int i = 0; i < WAY_COUNT; ++i) {
        printf("%s %s\n", ways[i].name, ways[i].usage);
    }
    return 0;
}

int main(int argc, char** argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: die WAY [ARGS]; die --list shows the ways\n");
        return STATUS_USAGE;
    }
    if (strcmp(argv[1], "--list") == 0) {
        return list();
    }
    forget_inheritance();
    say("pid %d\n", (int)getpid());
    die_by(argv + 1);
}

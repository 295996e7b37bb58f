/* Deaths that need more than one process. */
#include "tests/support/die.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void die_vfork_child(char** args) {
    const int code = exit_code(args[0]);
    pid_t child = vfork();
    if (child == 0) {
        _exit(code);
    }
    if (child < 0) {
        give_up("vfork");
    }
    say("child %d\n", (int)child);
    wait_for_end(child);
    _exit(0);
}

void die_vfork_exec(char** args) {
    pid_t child = vfork();
    if (child == 0) {
        execv(args[0], args);
        _exit(127);
    }
    if (child < 0) {
        give_up("vfork");
    }
    say("child %d\n", (int)child);
    wait_for_end(child);
    _exit(0);
}

/* A child that asked for the signal at its parent's death, in the thread that calls this. */
static pid_t fork_orphan(int signal) {
    int asked[2];
    if (pipe(asked) != 0) {
        give_up("pipe");
    }
    pid_t child = fork_or_give_up();
    if (child == 0) {
        if (prctl(PR_SET_PDEATHSIG, signal) != 0) {
            give_up("prctl(PR_SET_PDEATHSIG)");
        }
        close(asked[1]);
        sleep_forever();
    }
    close(asked[1]);
    say("child %d\n", (int)child);
    await(asked[0]);
    return child;
}

void die_pdeathsig(char** args) {
    fork_orphan(signal_number(args[0]));
    _exit(0);
}

struct orphan {
    int signal;
    pid_t pid;
};

static void* leave_orphan(void* argument) {
    struct orphan* orphan = argument;
    orphan->pid = fork_orphan(orphan->signal);
    return NULL;
}

/* Whose death counts is the thread that forked, not its process. */
void die_pdeathsig_thread(char** args) {
    struct orphan orphan = {.signal = signal_number(args[0])};
    pthread_t parent;
    errno = pthread_create(&parent, NULL, leave_orphan, &orphan);
    if (errno != 0) {
        give_up("pthread_create");
    }
    pthread_join(parent, NULL);
    wait_for_end(orphan.pid);
    _exit(0);
}

void die_killed_by_child(char** args) {
    const int signal = signal_number(args[0]);
    int told[2];
    if (pipe(told) != 0) {
        give_up("pipe");
    }
    pid_t child = fork_or_give_up();
    if (child == 0) {
        close(told[1]);
        await(told[0]);
        if (kill(getppid(), signal) != 0) {
            give_up("kill");
        }
        _exit(0);
    }
    say("child %d\n", (int)child);
    close(told[1]);
    sleep_forever();
}

void die_kill_child(char** args) {
    const int signal = signal_number(args[0]);
    pid_t child = fork_or_give_up();
    if (child == 0) {
        sleep_forever();
    }
    say("child %d\n", (int)child);
    if (kill(child, signal) != 0) {
        give_up("kill");
    }
    wait_for_end(child);
    _exit(0);
}

/* The kernel reaps the children of those who ignore SIGCHLD; waitpid() then waits for the end and finds no child. */
void die_autoreap(char** args) {
    const int code = exit_code(args[0]);
    signal(SIGCHLD, SIG_IGN);
    pid_t child = fork_or_give_up();
    if (child == 0) {
        _exit(code);
    }
    say("child %d\n", (int)child);
    if (waitpid(child, NULL, 0) != -1 || errno != ECHILD) {
        give_up("waitpid for a child that the kernel reaps");
    }
    _exit(0);
}

/* Only once all children are there does the parent ignore SIGTERM: they inherit the default. */
void die_crowd(char** args) {
    const long count = number(args[0], 1, 100000);
    for (long i = 0; i < count; ++i) {
        if (fork_or_give_up() == 0) {
            sleep_forever();
        }
    }
    signal(SIGTERM, SIG_IGN);
    say("ready\n");
    for (long i = 0; i < count; ++i) {
        if (wait(NULL) < 0) {
            give_up("wait");
        }
    }
    say("count %ld\n", count);
    _exit(0);
}

void die_zombie(char** args) {
    const struct timespec wait = {.tv_sec = number(args[0], 0, 3600)};
    siginfo_t info;
    pid_t child = fork_or_give_up();
    if (child == 0) {
        _exit(0);
    }
    if (waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT) != 0) {
        give_up("waitid");
    }
    say("child %d\n", (int)child);
    say("ready\n");
    nanosleep(&wait, NULL);
    wait_for_end(child);
    _exit(0);
}

/* Its creator is not its parent. It ends first: a pipe tells when. */
void die_clone_parent(char** args) {
    const int code = exit_code(args[0]);
    int ended[2];
    if (pipe(ended) != 0) {
        give_up("pipe");
    }
    const long child = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
    if (child < 0) {
        give_up("clone with CLONE_PARENT");
    }
    if (child == 0) {
        _exit(code);
    }
    close(ended[1]);
    await(ended[0]);
    _exit(0);
}

static void grow(long depth) {
    pid_t children[2];
    if (depth == 0) {
        return;
    }
    for (int i = 0; i < 2; ++i) {
        children[i] = fork_or_give_up();
        if (children[i] == 0) {
            grow(depth - 1);
            _exit(0);
        }
    }
    wait_for_end(children[0]);
    wait_for_end(children[1]);
}

void die_fork_tree(char** args) {
    const long depth = number(args[0], 0, 10);
    grow(depth);
    say("count %ld\n", (2L << depth) - 2);
    _exit(0);
}

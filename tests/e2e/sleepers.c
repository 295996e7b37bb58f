/*
 * sleepers N: N children that sleep until they are killed. Prints "child <pid>" for the first of them, then "ready".
 *
 * A line on standard input collects the children that are dead by then and prints "reaped <n>". At the end of input it
 * kills those that are left, collects all, prints the same and leaves.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void give_up(const char* tried) {
    fprintf(stderr, "sleepers: %s: %s\n", tried, strerror(errno));
    exit(1);
}

/* Should its parent be killed, none is left behind. */
static pid_t start_sleeper(void) {
    const pid_t parent = getpid();
    const pid_t child = fork();
    if (child < 0) {
        give_up("fork");
    }
    if (child == 0) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) {
            _exit(1);
        }
        for (;;) {
            pause();
        }
    }
    return child;
}

/* Collects children that are dead (options: WNOHANG), or all of them (0). */
static void reap(int options) {
    int count = 0;
    while (waitpid(-1, NULL, options) > 0) {
        ++count;
    }
    printf("reaped %d\n", count);
}

int main(int argc, char** argv) {
    char line[16];
    const int wanted = argc == 2 ? atoi(argv[1]) : 0;
    if (wanted <= 0) {
        fprintf(stderr, "usage: sleepers N\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    pid_t* children = calloc((size_t)wanted, sizeof(*children));
    if (children == NULL) {
        give_up("calloc");
    }
    for (int i = 0; i < wanted; ++i) {
        children[i] = start_sleeper();
    }
    printf("child %d\nready\n", (int)children[0]);
    while (fgets(line, sizeof(line), stdin) != NULL) {
        reap(WNOHANG);
    }
    /* A child that was collected is gone and its number may be another's: only ours are asked. */
    for (int i = 0; i < wanted; ++i) {
        siginfo_t info;
        if (waitid(P_PID, (id_t)children[i], &info, WEXITED | WNOHANG | WNOWAIT) == 0) {
            kill(children[i], SIGKILL);
        }
    }
    reap(0);
    free(children);
    return 0;
}

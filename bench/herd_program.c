/*
 * N children that sleep until somebody kills them, all in one process group; this process collects them as they die and
 * leaves when none is left. Prints the number of each, then "ready". Static and tiny: 10,000 of them cost little.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Should the parent be killed, none is left behind. */
static pid_t start_sleeper(pid_t group) {
    const pid_t parent = getpid();
    const pid_t child = fork();
    if (child == 0) {
        if (setpgid(0, group) != 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) {
            _exit(1);
        }
        for (;;) {
            pause();
        }
    }
    if (child > 0) {
        (void)setpgid(child, group); /* both do it: whoever comes first, the next child finds the group */
    }
    return child;
}

int main(int argc, char** argv) {
    const long wanted = argc == 2 ? strtol(argv[1], NULL, 10) : 0;
    pid_t group = 0;
    if (wanted <= 0) {
        fprintf(stderr, "usage: %s COUNT\n", argv[0]);
        return 2;
    }
    for (long i = 0; i < wanted; ++i) {
        const pid_t child = start_sleeper(group);
        if (child < 0) {
            perror("fork");
            return 1;
        }
        group = group == 0 ? child : group;
        printf("%d\n", (int)child);
    }
    printf("ready\n");
    fflush(stdout);
    while (waitpid(-1, NULL, 0) > 0) {
    }
    return 0;
}

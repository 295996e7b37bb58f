/*
 * The workload of `knell-bench`: makes and collects N children as fast as the machine can, each a real process with its
 * own memory that ends at once. Static and tiny, so that what is measured is the kernel's work for a process and not
 * the copying of a large address space or the dynamic linker.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

/* Waits for the child like vfork(), but with memory of its own: sharing it would make every exit dearer the more
 * processes share it. */
static pid_t fork_and_wait(void) {
#ifdef __x86_64__
    return (pid_t)syscall(SYS_clone, CLONE_VFORK | SIGCHLD, 0, 0, 0, 0);
#else
    return (pid_t)syscall(SYS_clone, CLONE_VFORK | SIGCHLD, 0, 0, 0, 0, 0);
#endif
}

static pid_t make_child(const char* how, char* self) {
    if (strcmp(how, "spawn") == 0) {
        char* argv[] = {self, "end", NULL};
        pid_t child = -1;
        return posix_spawn(&child, self, NULL, NULL, argv, environ) == 0 ? child : -1;
    }
    const pid_t child = strcmp(how, "vfork") == 0 ? fork_and_wait() : fork();
    if (child == 0) {
        _exit(0);
    }
    return child;
}

int main(int argc, char** argv) {
    const long count = argc == 3 || argc == 4 ? strtol(argv[2], NULL, 10) : 0;
    if (argc == 2 && strcmp(argv[1], "end") == 0) {
        return 0;
    }
    if (count <= 0) {
        fprintf(stderr, "usage: %s fork|vfork|spawn COUNT [COMM]\n", argv[0]);
        return 2;
    }
    if (argc == 4) {
        prctl(PR_SET_NAME, argv[3]);
    }
    for (long i = 0; i < count; ++i) {
        const pid_t child = make_child(argv[1], argv[0]);
        if (child < 0 || waitpid(child, NULL, 0) != child) {
            perror("fork_storm");
            return 1;
        }
    }
    return 0;
}

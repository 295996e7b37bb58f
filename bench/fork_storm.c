/*
 * The workload of `knell-bench storm`: forks and collects N children as fast as the machine can, each a real process
 * with its own memory that exits at once. Static and tiny, so that what is measured is the kernel's work for a process
 * and not the copying of a large address space.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char** argv) {
    const long count = argc == 2 ? strtol(argv[1], NULL, 10) : 0;
    if (count <= 0) {
        fprintf(stderr, "usage: %s COUNT\n", argv[0]);
        return 2;
    }
    for (long i = 0; i < count; ++i) {
        const pid_t child = fork();
        if (child == 0) {
            _exit(0);
        }
        if (child < 0 || waitpid(child, NULL, 0) != child) {
            perror("fork_storm");
            return 1;
        }
    }
    return 0;
}

/* Deaths for want of memory: the OOM killer's victims, and those who have the same memory. */
#include "tests/support/die.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void eat(long mib) {
    const size_t step = 1 << 20;
    for (long left = mib; left > 0; --left) {
        void* memory = mmap(NULL, step, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) {
            give_up("mmap");
        }
        memset(memory, 1, step);
    }
}

static long mebibytes(const char* text) {
    return number(text, 1, 1L << 20);
}

void die_eat_memory(char** args) {
    eat(mebibytes(args[0]));
}

void die_eat_memory_child(char** args) {
    const long mib = mebibytes(args[0]);
    pid_t child = fork_or_give_up();
    if (child == 0) {
        eat(mib);
        _exit(STATUS_SURVIVED);
    }
    say("child %d\n", (int)child);
    wait_for_end(child);
    die_sleep(NULL);
}

struct meal {
    int go; /* the reading end of a pipe */
    long mib;
};

static int eat_when_told(void* argument) {
    const struct meal* meal = argument;
    await(meal->go);
    eat(meal->mib);
    _exit(STATUS_SURVIVED);
}

/* A sibling rather than a child: both have the parent of this process, whichever of them ends first. */
void die_eat_memory_shared(char** args) {
    static _Alignas(16) char stack[64 << 10];
    int go[2];
    if (pipe(go) != 0) {
        give_up("pipe");
    }
    struct meal meal = {.go = go[0], .mib = mebibytes(args[0])};
    pid_t sibling = clone(eat_when_told, stack + sizeof(stack), CLONE_VM | CLONE_PARENT | SIGCHLD, &meal);
    if (sibling < 0) {
        give_up("clone");
    }
    say("child %d\n", (int)sibling);
    if (write(go[1], "x", 1) != 1) {
        give_up("write to a pipe");
    }
    sleep_forever();
}

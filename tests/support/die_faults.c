/* What the processor answers to a wrong instruction, and seccomp to a wrong system call. */
#include "tests/support/die.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static volatile char* map_page(int protection, int flags, int file) {
    void* page = mmap(NULL, 1, protection, flags, file, 0);
    if (page == MAP_FAILED) {
        give_up("mmap");
    }
    return page;
}

void die_segv(char** args) {
    *map_page(PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1) = 1;
}

void die_bus(char** args) {
    int empty = memfd_create("empty", MFD_CLOEXEC);
    if (empty < 0) {
        give_up("memfd_create");
    }
    *map_page(PROT_READ | PROT_WRITE, MAP_SHARED, empty) = 1;
}

/* On arm64 a division by zero gives 0: there the signal is raised. */
void die_fpe(char** args) {
#if defined(__x86_64__)
    volatile int dividend = 6; /* volatile too: compilers know how to divide a constant 1 without dividing */
    volatile int zero = 0;
    zero = dividend / zero;
#else
    raise(SIGFPE);
#endif
}

/* Not __builtin_trap(): on arm64 that is a breakpoint. */
void die_ill(char** args) {
#if defined(__x86_64__)
    __asm__ volatile("ud2");
#elif defined(__aarch64__)
    __asm__ volatile("udf #0");
#else
    raise(SIGILL);
#endif
}

void die_trap(char** args) {
#if defined(__x86_64__)
    __asm__ volatile("int3");
#elif defined(__aarch64__)
    __asm__ volatile("brk #0");
#else
    raise(SIGTRAP);
#endif
}

static void break_filter(unsigned action) {
    struct sock_filter instructions[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, action),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog filter = {.len = sizeof(instructions) / sizeof(instructions[0]), .filter = instructions};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
        give_up("prctl(PR_SET_SECCOMP)");
    }
    syscall(SYS_getppid);
}

void die_sigsys_seccomp(char** args) {
    break_filter(SECCOMP_RET_KILL_PROCESS);
}

void die_sigsys_seccomp_thread(char** args) {
    break_filter(SECCOMP_RET_KILL_THREAD);
}

void die_seccomp_strict(char** args) {
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0) {
        give_up("prctl(PR_SET_SECCOMP)");
    }
    syscall(SYS_getppid);
}

/* Normal exits, processes that wait to be killed, and limits that kill. */
#include "tests/support/die.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

void die_exit(char** args) {
    _exit(exit_code(args[0]));
}

/* Unlike exit_group, it ends one thread; the process ends because there is no other. */
void die_sys_exit(char** args) {
    syscall(SYS_exit, exit_code(args[0]));
}

void die_sleep(char** args) {
    say("ready\n");
    sleep_forever();
}

void die_rename(char** args) {
    if (prctl(PR_SET_NAME, args[0]) != 0) {
        give_up("prctl(PR_SET_NAME)");
    }
    if (args[1] != NULL) {
        die_by(args + 1);
    }
    die_sleep(NULL);
}

void die_user(char** args) {
    const uid_t user = (uid_t)number(args[0], 0, UINT_MAX - 1); /* the last one means "leave as it is" */
    if (setresuid(user, user, user) != 0) {
        give_up("setresuid");
    }
    if (args[1] != NULL) {
        die_by(args + 1);
    }
    _exit(0);
}

/* The hard limit stays, unless it is the one that is to be hit. */
enum which_limit { SOFT, HARD };

static void set_limit(__rlimit_resource_t resource, enum which_limit which, rlim_t value, const char* name) {
    struct rlimit limit;
    if (getrlimit(resource, &limit) != 0) {
        give_up(name);
    }
    limit.rlim_cur = value < limit.rlim_max ? value : limit.rlim_max;
    if (which == HARD) {
        limit.rlim_max = limit.rlim_cur;
    }
    if (setrlimit(resource, &limit) != 0) {
        give_up(name);
    }
}

static _Noreturn void burn_cpu(void) {
    for (volatile unsigned long spin = 0;; ++spin) {
    }
}

void die_xcpu(char** args) {
    set_limit(RLIMIT_CPU, SOFT, 1, "RLIMIT_CPU");
    burn_cpu();
}

/* Both at once: the kernel looks at the hard limit first (check_process_timers()). */
void die_xcpu_hard(char** args) {
    set_limit(RLIMIT_CPU, HARD, 1, "RLIMIT_CPU");
    burn_cpu();
}

void die_xfsz(char** args) {
    int file = memfd_create("limited", MFD_CLOEXEC);
    if (file < 0) {
        give_up("memfd_create");
    }
    set_limit(RLIMIT_FSIZE, SOFT, 0, "RLIMIT_FSIZE");
    if (write(file, "x", 1) < 0) {
        give_up("write beyond RLIMIT_FSIZE");
    }
}

void die_core_dump(char** args) {
    if (chdir(args[0]) != 0) {
        bad_argument(strerror(errno), args[0]);
    }
    set_limit(RLIMIT_CORE, SOFT, RLIM_INFINITY, "RLIMIT_CORE");
    if (prctl(PR_SET_DUMPABLE, 1) != 0) {
        give_up("prctl(PR_SET_DUMPABLE)");
    }
    die_segv(args);
}
